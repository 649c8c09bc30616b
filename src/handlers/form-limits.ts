/** How much a form may be, and what is said of one that is more. Pure. */
import { HttpError } from "../shared/errors.ts";

/** Counts, and bytes, each above 0. */
export interface FormLimits {
  fieldsMax: number;
  /** Of a field's name, and of its value. */
  fieldBytesMax: number;
  filesMax: number;
  /** Of each file. */
  fileBytesMax: number;
  /** Of the whole body. */
  bytesMax: number;
}

export function isLong(part: string, bytesMax: number): boolean {
  return Buffer.byteLength(part) > bytesMax;
}

export function tooMuch(what: string): HttpError {
  return new HttpError(413, `The form has ${what}`);
}

export function tooLong(bytes: number): HttpError {
  return tooMuch(`a field longer than ${bytes} bytes`);
}
