/**
 * Forms before their handler: `application/x-www-form-urlencoded` and `multipart/form-data`, whose
 * files stream to temporary files that are removed when the handler has settled, or when the
 * connection has closed before. Any thread.
 */
import { statSync } from "node:fs";
import { tmpdir } from "node:os";
import type { Context, HandlerObject, HandlerResult, MillraceRequest } from "../shared/app.ts";
import { HttpError } from "../shared/errors.ts";
import { FormFiles, type UploadedFile } from "./form-files.ts";
import { type FormLimits, isLong, tooLong, tooMuch } from "./form-limits.ts";
import { type AcceptsFile, MultipartReader } from "./multipart-reader.ts";
import { checkKnown, checkSyncFunctions, wrongOption } from "../shared/option-checks.ts";

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
  /**
   * Files that may come, before a byte of them is stored; others are 415. It says so at once.
   * Default: all.
   */
  readonly accepts?: AcceptsFile;
}

const LIMITS: FormLimits = {
  fieldsMax: 1000,
  fieldBytesMax: 65_536,
  filesMax: 16,
  fileBytesMax: 16 * 2 ** 20,
  bytesMax: 64 * 2 ** 20,
};

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
  if (typeof handler !== "function") throw wrongOption("withForm: its handler is a function");
  const { folder = tmpdir(), accepts } = options;
  checkFolder(folder);
  return {
    bodyBytesMax: limits.bytesMax,
    bodyStreamBytesMax: limits.bytesMax,
    async handle(request, context) {
      const files = new FormFiles(folder, limits.fileBytesMax);
      const reading = formOf(request, limits, files, accepts);
      const connection = typeOf(request) === MULTIPART ? context.connection : null;
      // The handler may never settle; and the worker waits for what is done when it closes. Then
      // the body fails, so that reading ends: nothing is written any more.
      const gone = (): Promise<void> => remove(files, context);
      connection?.onClose(() => reading.then(gone, gone), files);
      try {
        return await handler(await reading, request, context);
      } finally {
        await gone();
        connection?.offClose(files);
      }
    },
  };
}

/** Without its parameters. */
function typeOf({ headers }: MillraceRequest): string {
  return (headers.get("content-type") ?? "").split(";", 1)[0]!.trim().toLowerCase();
}

async function remove(files: FormFiles, context: Context): Promise<void> {
  try {
    await files.remove();
  } catch (error) {
    context.log.error({ err: error }, "files of a form could not be removed");
  }
}

function limitsOf(options: FormOptions): FormLimits {
  checkKnown("withForm", options, [...Object.keys(LIMITS), "folder", "accepts"]);
  checkSyncFunctions("withForm", options, ["accepts"]);
  const limits = { ...LIMITS };
  for (const name of Object.keys(LIMITS) as (keyof FormLimits)[]) {
    const value = options[name] ?? LIMITS[name];
    if (!(Number.isInteger(value) && value > 0)) {
      throw wrongOption(`withForm: ${name} is a whole number above 0`);
    }
    limits[name] = value;
  }
  return limits;
}

/** One that is not there may still be made, such as by the app's `init`. */
function checkFolder(folder: string): void {
  if (typeof folder !== "string" || folder === "") {
    throw wrongOption("withForm: folder is a path");
  }
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found?.isDirectory() === false) throw wrongOption(`withForm: ${folder} is no folder`);
}

async function formOf(
  request: MillraceRequest,
  limits: FormLimits,
  files: FormFiles,
  accepts: AcceptsFile | undefined,
): Promise<Form> {
  const name = typeOf(request);
  if (name === URLENCODED) return urlencoded(await request.text(), limits);
  if (name !== MULTIPART) {
    throw new HttpError(415, `A form is ${URLENCODED} or ${MULTIPART}`);
  }
  if (request.body === null) throw new HttpError(400, "The form has no body");
  const type = request.headers.get("content-type")!;
  const reader = new MultipartReader(type, limits, files, accepts);
  const { fields, files: stored } = await reader.read(request.body);
  return new ReadForm(fields, stored);
}

/** Counted before they are made: as objects they are many times as long as the text. */
function urlencoded(text: string, { fieldsMax, fieldBytesMax }: FormLimits): Form {
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
