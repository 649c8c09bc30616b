/** The options of `files`, and what is told of wrong ones when the app is loaded. Pure. */
import { KEPT_MIN } from "../worker/open-files.ts";
import type { VariantCoding } from "./file-variants.ts";
import {
  checkFlags, checkKnown, checkSyncFunctions, checkTexts, checkWhole, isFieldText, wrongOption,
} from "../shared/option-checks.ts";

/** A value for all, by extension without the dot (`"*"`: all others), or a function of the path. */
export type ByExtension =
  | string
  | Readonly<Record<string, string>>
  | ((path: string) => string | undefined);

export interface FilesOptions {
  /** What a folder is answered with, the first that is there. Default `["index.html"]`. */
  readonly index?: readonly string[];
  /** Folders without an index are listed. Default false. */
  readonly listing?: boolean;
  /** Names that begin with a dot are served, too. Default false. */
  readonly dotFiles?: boolean;
  /** `Cache-Control`. Default: none. */
  readonly cacheControl?: ByExtension;
  /** Content types by extension, before those that are known. */
  readonly types?: Readonly<Record<string, string>>;
  /** `name.br`, `name.zst` and `name.gz` beside `name` are sent to who takes them. Default none. */
  readonly precompressed?: boolean | readonly VariantCoding[];
  /** How long a path is believed to be what it was, from 0 on. Default 1000. */
  readonly revalidateMs?: number;
  /** Paths that are kept open, of a worker, at least 8. Default 256. */
  readonly keptMax?: number;
  /** Files up to here are kept in memory while they are kept. Default 16,384 bytes. */
  readonly inMemoryBytesMax?: number;
  /** PUT and DELETE change files. Default false. */
  readonly write?: boolean;
  /** The longest body of a PUT. Default 100 MiB. */
  readonly writeBytesMax?: number;
}

const NAMES: readonly (keyof FilesOptions)[] = [
  "index", "listing", "dotFiles", "cacheControl", "types", "precompressed", "revalidateMs",
  "keptMax", "inMemoryBytesMax", "write", "writeBytesMax",
];

/** Throws a TypeError for an option that there is none of, and for a value that is none. */
export function checkFiles(options: FilesOptions): void {
  checkKnown("files", options, NAMES);
  checkFlags("files", options, ["listing", "dotFiles", "write"]);
  checkTexts("files", options, ["index"]);
  if (options.index?.includes("") === true) throw wrong("a name of index is empty");
  const { keptMax = KEPT_MIN, inMemoryBytesMax = 0, writeBytesMax = 0, revalidateMs = 0 } = options;
  checkWhole("files", "keptMax", keptMax, KEPT_MIN);
  checkWhole("files", "inMemoryBytesMax", inMemoryBytesMax, 0);
  checkWhole("files", "writeBytesMax", writeBytesMax, 0);
  if (typeof revalidateMs !== "number" || !(revalidateMs >= 0)) {
    throw wrong("revalidateMs is a number of milliseconds from 0 on");
  }
  const { types = {}, cacheControl = {}, precompressed = false } = options;
  if (!areFieldTexts(types)) throw wrong("types is an object whose values are text of a field");
  if (typeof cacheControl === "function") checkSyncFunctions("files", options, ["cacheControl"]);
  else if (!isFieldText(cacheControl) && !areFieldTexts(cacheControl)) {
    throw wrong("cacheControl is text of a field, an object of some, or a function");
  }
  if (typeof precompressed !== "boolean" && !Array.isArray(precompressed)) {
    throw wrong("precompressed is true, false or a list of texts");
  }
}

function areFieldTexts(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Object.values(value).every((each) => each === undefined || isFieldText(each));
}

function wrong(why: string): TypeError {
  return wrongOption(`files: ${why}`);
}
