/**
 * Files that were compressed beforehand: `name.br`, `name.zst` and `name.gz` beside `name` are the
 * same content for who accepts the coding. One that is older than the file is not. Any thread.
 */
import { createRequire } from "node:module";
import { wrongOption } from "../shared/option-checks.ts";
import { OpenFile } from "../worker/open-file.ts";
import type { OpenFiles } from "../worker/open-files.ts";

export type VariantCoding = "br" | "zstd" | "gzip";

/** What is sent, and what its answers say of that. */
export interface ChosenFile {
  readonly file: OpenFile;
  readonly headers: Record<string, string>;
}

type Negotiator = new (request: { headers: Record<string, string> }) => {
  encodings(available: readonly string[], options: { preferred: readonly string[] }): string[];
};
const Negotiator = createRequire(import.meta.url)("negotiator") as Negotiator;

const EXTENSIONS: Readonly<Record<VariantCoding, string>> = {
  br: ".br", zstd: ".zst", gzip: ".gz",
};
const VARY = { vary: "Accept-Encoding" };
const NONE = {};

export class FileVariants {
  readonly #open: OpenFiles;
  /** The ones that are preferred first. */
  readonly #codings: readonly VariantCoding[];

  /** Throws a TypeError for a coding that there is none of. */
  constructor(open: OpenFiles, codings: boolean | readonly VariantCoding[]) {
    this.#open = open;
    this.#codings = codings === true ? ["br", "zstd", "gzip"] : codings === false ? [] : codings;
    const unknown = this.#codings.find((coding) => !Object.hasOwn(EXTENSIONS, coding));
    if (unknown !== undefined) throw wrongOption(`files: no coding "${unknown}"`);
  }

  choose(file: OpenFile, asked: Headers): ChosenFile {
    const variants = new Map<string, OpenFile>();
    for (const coding of this.#codings) {
      const found = this.#find(file.path + EXTENSIONS[coding]);
      if (found !== null && found.modifiedMs >= file.modifiedMs) variants.set(coding, found);
    }
    if (variants.size === 0) return { file, headers: NONE };
    const accepted = asked.get("accept-encoding") ?? "identity";
    const preferred = [...variants.keys()];
    const negotiator = new Negotiator({ headers: { "accept-encoding": accepted } });
    const [best] = negotiator.encodings([...preferred, "identity"], { preferred });
    const chosen = best === undefined ? undefined : variants.get(best);
    if (chosen === undefined) return { file, headers: VARY };
    return { file: chosen, headers: { ...VARY, "content-encoding": best! } };
  }

  #find(path: string): OpenFile | null {
    try {
      const found = this.#open.find(path);
      return typeof found === "string" ? null : found;
    } catch {
      return null; // no descriptors are left, but the file itself is open: it is sent as it is
    }
  }
}
