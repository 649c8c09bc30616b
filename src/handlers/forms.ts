/**
 * Forms before their handler: `application/x-www-form-urlencoded` and `multipart/form-data`, whose
 * files stream to temporary files that are removed when the handler has settled. Any thread.
 */
import { tmpdir } from "node:os";
import { Readable } from "node:stream";
import { Busboy, type BusboyInstance } from "@fastify/busboy";
import type { Context, HandlerObject, HandlerResult, MillraceRequest } from "../shared/app.ts";
import { HttpError } from "../shared/errors.ts";
import { FormFiles, type UploadedFile } from "./form-files.ts";

export type { UploadedFile } from "./form-files.ts";

/** A form that has come whole. */
export interface Form {
  /** In the order in which they came. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly files: readonly UploadedFile[];
  /** The first value of the field; `undefined` if there is none. */
  get(name: string): string | undefined;
  all(name: string): string[];
  /** The first file of the field. */
  file(name: string): UploadedFile | undefined;
}

export type FormHandler = (
  form: Form,
  request: MillraceRequest,
  context: Context,
) => HandlerResult | Promise<HandlerResult>;

export interface FormOptions {
  /** Where files lie meanwhile. Default: the system's folder for temporary files. */
  readonly folder?: string;
  /** Default 1,000. */
  readonly fieldsMax?: number;
  /** Bytes of the name of each field, and of its value. Default 65,536. */
  readonly fieldBytesMax?: number;
  /** Default 16. */
  readonly filesMax?: number;
  /** Bytes of each file. Default 16 MiB. */
  readonly fileBytesMax?: number;
  /** Bytes of the whole body. Default 64 MiB. */
  readonly bytesMax?: number;
  /** Files that may come, before a byte of them is stored; others are 415. Default: all. */
  readonly accepts?: (file: { field: string; name: string; type: string }) => boolean;
}

type Limits = Required<Omit<FormOptions, "accepts" | "folder">>;

const LIMITS: Limits = {
  fieldsMax: 1000,
  fieldBytesMax: 65_536,
  filesMax: 16,
  fileBytesMax: 16 * 2 ** 20,
  bytesMax: 64 * 2 ** 20,
};

/** The parser gets no more at once. Pieces that come over a connection are smaller. */
const PIECE_BYTES_MAX = 65_536;
/**
 * How much of a part the parser lets wait before it waits itself. It passes over parts that are
 * neither fields nor files, and drops such a part after each piece: less than this, so it never
 * waits for one. It would wait for ever if that was in the piece that has the form's end.
 */
const PART_BYTES_MAX = 2 * PIECE_BYTES_MAX;

/** Parts that are neither fields nor files: each costs the parser as much as a field. */
const OTHER_PARTS_MAX = 100;
/** A byte takes so many characters at most: `%41`. */
const ENCODED_BYTES = 3;

const URLENCODED = "application/x-www-form-urlencoded";
const MULTIPART = "multipart/form-data";

/**
 * The handler that reads the form first. No form is 415, a broken one 400, more than a limit 413,
 * a full disk 507. Throws a TypeError for options that are none.
 */
export function withForm(handler: FormHandler, options: FormOptions = {}): HandlerObject {
  const limits = limitsOf(options);
  const { folder = tmpdir(), accepts } = options;
  return {
    bodyBytesMax: limits.bytesMax,
    bodyStreamBytesMax: limits.bytesMax,
    async handle(request, context) {
      const files = new FormFiles(folder, limits.fileBytesMax);
      try {
        const form = await formOf(request, limits, files, accepts);
        return await handler(form, request, context);
      } finally {
        await files.remove().catch((error: unknown) => {
          context.log.error({ err: error }, "files of a form could not be removed");
        });
      }
    },
  };
}

function limitsOf(options: FormOptions): Limits {
  const known = new Set([...Object.keys(LIMITS), "folder", "accepts"]);
  const unknown = Object.keys(options).find((name) => !known.has(name));
  if (unknown !== undefined) throw new TypeError(`withForm: no option "${unknown}"`);
  const limits = { ...LIMITS };
  for (const name of Object.keys(LIMITS) as (keyof Limits)[]) {
    const value = options[name] ?? LIMITS[name];
    if (!(Number.isInteger(value) && value > 0)) {
      throw new TypeError(`withForm: ${name} is a whole number above 0`);
    }
    limits[name] = value;
  }
  return limits;
}

async function formOf(
  request: MillraceRequest,
  limits: Limits,
  files: FormFiles,
  accepts: FormOptions["accepts"],
): Promise<Form> {
  const type = request.headers.get("content-type") ?? "";
  const name = type.split(";", 1)[0]!.trim().toLowerCase();
  if (name === URLENCODED) return urlencoded(await request.text(), limits);
  if (name !== MULTIPART) {
    throw new HttpError(415, `A form is ${URLENCODED} or ${MULTIPART}`);
  }
  return await new MultipartReader(type, limits, files, accepts).read(request);
}

/** Counted before they are made: as objects they are many times as long as the text. */
function urlencoded(text: string, { fieldsMax, fieldBytesMax }: Limits): Form {
  let count = 0;
  for (let start = 0, end = 0; end < text.length; start = end + 1) {
    end = text.indexOf("&", start);
    if (end < 0) end = text.length;
    if (end > start && ++count > fieldsMax) throw tooMuch(`more than ${fieldsMax} fields`);
    if (end - start > ENCODED_BYTES * 2 * fieldBytesMax + 1) throw tooLong(fieldBytesMax);
  }
  const fields = [...new URLSearchParams(text)];
  const hasLong = fields.some((field) => field.some((part) => isLong(part, fieldBytesMax)));
  if (hasLong) throw tooLong(fieldBytesMax);
  return new ReadForm(fields, []);
}

function isLong(part: string, bytesMax: number): boolean {
  return Buffer.byteLength(part) > bytesMax;
}

class ReadForm implements Form {
  readonly fields: readonly (readonly [string, string])[];
  readonly files: readonly UploadedFile[];

  constructor(
    fields: readonly (readonly [string, string])[],
    files: readonly UploadedFile[],
  ) {
    this.fields = fields;
    this.files = files;
  }

  get(name: string): string | undefined {
    return this.fields.find(([each]) => each === name)?.[1];
  }

  all(name: string): string[] {
    return this.fields.filter(([each]) => each === name).map(([, value]) => value);
  }

  file(name: string): UploadedFile | undefined {
    return this.files.find(({ field }) => field === name);
  }
}

/** One body. The first thing that goes wrong ends it, and all that was begun. */
class MultipartReader {
  readonly #fields: [string, string][] = [];
  readonly #stored: Promise<UploadedFile>[] = [];
  readonly #limits: Limits;
  readonly #files: FormFiles;
  readonly #accepts: FormOptions["accepts"];
  readonly #parser: BusboyInstance;
  readonly #sources = new Set<Readable>();
  #isOver = false;
  #failed!: (error: Error) => void;
  readonly #failure: Promise<never> = new Promise((_, reject) => (this.#failed = reject));

  constructor(type: string, limits: Limits, files: FormFiles, accepts: FormOptions["accepts"]) {
    this.#limits = limits;
    this.#files = files;
    this.#accepts = accepts;
    this.#failure.catch(() => {}); // who reads hears of it
    try {
      this.#parser = new Busboy({
        headers: { "content-type": type },
        fileHwm: PART_BYTES_MAX,
        limits: {
          fields: limits.fieldsMax, fieldSize: limits.fieldBytesMax, files: limits.filesMax,
          parts: limits.fieldsMax + limits.filesMax + OTHER_PARTS_MAX,
        },
      });
    } catch (cause) {
      throw new HttpError(400, "The form says no boundary of its parts", { cause });
    }
  }

  async read(request: MillraceRequest): Promise<Form> {
    if (request.body === null) throw new HttpError(400, "The form has no body");
    const body = Readable.fromWeb(request.body);
    try {
      await Promise.race([this.#parsed(body), this.#failure]);
      const files = await Promise.race([Promise.all(this.#stored), this.#failure]);
      return new ReadForm(this.#fields, files);
    } catch (error) {
      this.#isOver = true;
      body.destroy();
      // With the error: a pipeline never hears of the end of a source that is destroyed without one
      // between its last bytes and its end.
      for (const source of this.#sources) source.destroy(error as Error);
      await Promise.allSettled(this.#stored); // nothing is written any more when it is removed
      throw error;
    }
  }

  async #parsed(body: Readable): Promise<void> {
    const { fieldsMax, filesMax, fieldBytesMax } = this.#limits;
    const parser = this.#parser;
    parser.on("field", (name: string | undefined, value: string, _: boolean, isCut: boolean) => {
      if (name === undefined) this.#failed(nameless());
      else if (isCut || isLong(name, fieldBytesMax)) this.#failed(tooLong(fieldBytesMax));
      else this.#fields.push([name, value]);
    });
    parser.on("file", (field, source, name, _, type) => {
      this.#sources.add(source);
      try {
        this.#file(field, source, name, type);
      } catch (error) {
        source.resume();
        this.#failed(error as Error);
      }
    });
    parser.on("fieldsLimit", () => this.#failed(tooMuch(`more than ${fieldsMax} fields`)));
    parser.on("partsLimit", () => this.#failed(tooMuch("too many parts")));
    parser.on("filesLimit", () => this.#failed(tooMuch(`more than ${filesMax} files`)));
    await new Promise<void>((resolve, reject) => {
      parser.once("finish", resolve);
      parser.once("error", (cause) => reject(broken(cause)));
      body.once("error", reject);
      this.#feed(body).catch(reject);
    });
  }

  async #feed(body: Readable): Promise<void> {
    const parser = this.#parser;
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      for (let at = 0; at < chunk.length; at += PIECE_BYTES_MAX) {
        const piece = chunk.subarray(at, at + PIECE_BYTES_MAX);
        await new Promise((taken) => parser.write(piece, taken));
      }
    }
    parser.end();
  }

  #file(
    field: string | undefined,
    source: Readable,
    name: string | undefined,
    type: string,
  ): void {
    source.on("error", (cause) => this.#failed(broken(cause)));
    // The parser goes on with what it has: nobody would remove what is stored from here on.
    if (this.#isOver) {
      source.resume();
      return;
    }
    const { fieldBytesMax } = this.#limits;
    if (field === undefined) throw nameless();
    if (isLong(field, fieldBytesMax)) throw tooLong(fieldBytesMax);
    const file = { field, name: name ?? "", type };
    if (this.#accepts !== undefined && !this.#accepts(file)) {
      throw new HttpError(415, `The file "${file.name}" is of no kind that is taken`);
    }
    const stored = this.#files.store(source, file);
    this.#stored.push(stored);
    stored.catch((error: unknown) => this.#failed(error as Error));
  }
}

function tooMuch(what: string): HttpError {
  return new HttpError(413, `The form has ${what}`);
}

function tooLong(bytes: number): HttpError {
  return tooMuch(`a field longer than ${bytes} bytes`);
}

/** RFC 7578 4.2: each part has one. */
function nameless(): HttpError {
  return new HttpError(400, "A part of the form has no name");
}

function broken(cause: unknown): Error {
  return cause instanceof HttpError ? cause : new HttpError(400, "The form is broken", { cause });
}
