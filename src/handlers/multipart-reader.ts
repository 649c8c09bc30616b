/**
 * One body of `multipart/form-data` (RFC 7578): its fields, and its files on their way to the disk.
 * Any thread.
 */
import { Readable } from "node:stream";
import { Busboy, type BusboyInstance } from "@fastify/busboy";
import { HttpError } from "../shared/errors.ts";
import type { FormFiles, UploadedFile } from "./form-files.ts";
import { type FormLimits, isLong, tooLong, tooMuch } from "./form-limits.ts";
import { saidAtOnce } from "../shared/option-checks.ts";

/** Whether a file may come, asked before a byte of it is stored. */
export type AcceptsFile = (file: { field: string; name: string; type: string }) => boolean;

/** In the order in which they came. */
export interface ReadParts {
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly files: readonly UploadedFile[];
}

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

/** The first thing that goes wrong ends it, and all that was begun. */
export class MultipartReader {
  readonly #fields: [string, string][] = [];
  readonly #stored: Promise<UploadedFile>[] = [];
  readonly #limits: FormLimits;
  readonly #files: FormFiles;
  readonly #accepts: AcceptsFile | undefined;
  readonly #parser: BusboyInstance;
  readonly #sources = new Set<Readable>();
  #isOver = false;
  #failed!: (error: Error) => void;
  readonly #failure: Promise<never> = new Promise((_, reject) => (this.#failed = reject));

  /** Throws an HttpError for a type without a boundary. */
  constructor(
    type: string,
    limits: FormLimits,
    files: FormFiles,
    accepts: AcceptsFile | undefined,
  ) {
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

  /** Rejects with an HttpError for a form that is broken, is too much or has what is not taken. */
  async read(stream: ReadableStream<Uint8Array>): Promise<ReadParts> {
    const body = Readable.fromWeb(stream);
    try {
      await Promise.race([this.#parsed(body), this.#failure]);
      const files = await Promise.race([Promise.all(this.#stored), this.#failure]);
      return { fields: this.#fields, files };
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
    const accepts = this.#accepts;
    if (accepts !== undefined && !saidAtOnce("withForm", "accepts", accepts(file))) {
      throw new HttpError(415, `The file "${file.name}" is of no kind that is taken`);
    }
    const stored = this.#files.store(source, file);
    this.#stored.push(stored);
    stored.catch((error: unknown) => this.#failed(error as Error));
  }
}

/** RFC 7578 4.2: each part has one. */
function nameless(): HttpError {
  return new HttpError(400, "A part of the form has no name");
}

function broken(cause: unknown): Error {
  return cause instanceof HttpError ? cause : new HttpError(400, "The form is broken", { cause });
}
