/**
 * Files of a folder as answers: for a route with a wildcard, or as the app's `fetch`. What is open
 * is kept, bounded, and looked at again once per `revalidateMs`; what is small is in memory, the
 * rest is sent by the kernel. A path that names no file is declined. Any thread.
 */
import { realpathSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { extname, join } from "node:path";
import type { Context, FetchHandler, MillraceRequest } from "../shared/app.ts";
import { HttpError } from "../shared/errors.ts";
import { redirect } from "../shared/redirect.ts";
import { HandlerContext } from "../worker/context.ts";
import { FileBlob } from "../worker/file-blob.ts";
import type { OpenFile } from "../worker/open-file.ts";
import { OpenFiles } from "../worker/open-files.ts";
import { FileAnswers } from "./file-answers.ts";
import { listing } from "./file-listing.ts";
import { type ByExtension, checkFiles, type FilesOptions } from "./file-options.ts";
import { decodedPath, isSafePath } from "./file-path.ts";
import { FileVariants } from "./file-variants.ts";
import { FileWrites } from "./file-writes.ts";
import { saidAtOnce, wrongOption } from "../shared/option-checks.ts";

export type { ByExtension, FilesOptions } from "./file-options.ts";

const { contentType } = createRequire(import.meta.url)("mime-types") as {
  readonly contentType: (name: string) => string | false;
};

/**
 * A handler of the files below `root`, a path against the working directory or a `file:` URL's
 * path. Throws a TypeError for an option that there is none of, for a value that is none, and where
 * the root is no folder; ENOENT if there is nothing.
 */
export function files(root: string, options: FilesOptions = {}): FetchHandler {
  checkFiles(options);
  const folder = new Folder(folderAt(root), options);
  return (request, context) => folder.answer(request, context);
}

function folderAt(root: string): string {
  const isPath = typeof root === "string" || (root as unknown) instanceof URL;
  if (!isPath) throw wrongOption("files: the root is a path");
  const path = realpathSync(root);
  if (!statSync(path).isDirectory()) throw wrongOption(`files: ${path} is no folder`);
  return path;
}

/** A file as a Blob, as Bun has it: read when it is asked for, sent by the kernel as an answer. */
export function file(path: string, options: { readonly type?: string } = {}): FileBlob {
  return new FileBlob(path, options.type ?? typeOf(path));
}

function typeOf(path: string): string {
  const type = contentType(extname(path));
  return type === false ? "application/octet-stream" : type;
}

class Folder {
  readonly #root: string;
  readonly #options: FilesOptions;
  readonly #open: OpenFiles;
  readonly #variants: FileVariants;
  readonly #writes: FileWrites | null;
  /** Where safe paths lie, for judging and joining one costs more than finding it. */
  readonly #places = new Map<string, string>();
  readonly #placesMax: number;
  /** Of the files that are kept; gone with them. */
  readonly #answers = new WeakMap<OpenFile, Map<string, FileAnswers>>();

  constructor(root: string, options: FilesOptions) {
    const { keptMax = 256, revalidateMs = 1000, precompressed = false, write = false } = options;
    this.#root = root;
    this.#placesMax = keptMax;
    this.#options = options;
    this.#open = new OpenFiles({ max: keptMax, revalidateMs, root });
    this.#variants = new FileVariants(this.#open, precompressed);
    this.#writes = write ? new FileWrites(root, this.#open, options.writeBytesMax) : null;
  }

  answer(
    request: MillraceRequest,
    context: Context,
  ): Response | undefined | Promise<Response | undefined> {
    const path = context.params["*"] ?? decodedPath(new URL(request.url).pathname);
    if (!this.#isSafe(path)) return undefined;
    const { method } = request;
    if (method === "GET" || method === "HEAD") return this.#read(request, path, context);
    if (this.#writes !== null && (method === "PUT" || method === "DELETE")) {
      return this.#writes.answer(request, path, (found: OpenFile) => this.#answersOf(found));
    }
    return this.#refuse(method, path);
  }

  #isSafe(path: string): boolean {
    if (this.#places.has(path)) return true;
    if (!isSafePath(path, this.#options.dotFiles === true)) return false;
    if (this.#places.size >= this.#placesMax) this.#places.clear();
    this.#places.set(path, join(this.#root, path));
    return true;
  }

  /** A method that files do not take; what is no file is declined all the same. */
  #refuse(method: string, path: string): Response | undefined {
    const found = this.#find(path);
    if (typeof found === "string" && found !== "EISDIR" && this.#writes === null) return undefined;
    const allow = this.#writes === null ? "GET, HEAD" : "GET, HEAD, PUT, DELETE";
    return new Response(null, { status: method === "OPTIONS" ? 204 : 405, headers: { allow } });
  }

  #read(
    request: MillraceRequest,
    path: string,
    context: Context,
  ): Response | undefined | Promise<Response | undefined> {
    const found = this.#find(path);
    if (typeof found !== "string") return this.#send(request, found);
    return found === "EISDIR" ? this.#folder(request, path, context) : undefined;
  }

  #folder(
    request: MillraceRequest,
    path: string,
    context: Context,
  ): Response | undefined | Promise<Response | undefined> {
    const received = context instanceof HandlerContext ? context.receivedUrl : request.url;
    const { pathname, search } = new URL(received);
    // Links are relative to the URL that the client has, unless a rewrite has named the folder as
    // such, as one does that answers everything with one page.
    if (!pathname.endsWith("/") && !new URL(request.url).pathname.endsWith("/")) {
      return redirect(`${pathname.replace(/^\/+/, "/")}/${search}`, 301); // `//` would be a host
    }
    const folder = path === "" || path.endsWith("/") ? path : `${path}/`;
    for (const name of this.#options.index ?? ["index.html"]) {
      const found = this.#find(folder + name);
      if (typeof found !== "string") return this.#send(request, found);
    }
    if (this.#options.listing !== true) return undefined;
    return listing(this.#root, folder, this.#options.dotFiles === true);
  }

  #send(request: MillraceRequest, found: OpenFile): Response {
    const chosen = this.#variants.choose(found, request.headers);
    return this.#answersOf(chosen.file, found.path, chosen.headers).to(request);
  }

  /** Throws an HttpError with 503 where the system has nothing left. */
  #find(path: string): OpenFile | string {
    try {
      return this.#open.find(this.#places.get(path) ?? join(this.#root, path));
    } catch (cause) {
      throw new HttpError(503, "files cannot be opened for now", { cause: cause as Error });
    }
  }

  #answersOf(
    found: OpenFile,
    path: string = found.path,
    added: Record<string, string> = {},
  ): FileAnswers {
    const key = added["content-encoding"] ?? added["vary"] ?? "";
    let answers = this.#answers.get(found);
    if (answers === undefined) this.#answers.set(found, (answers = new Map<string, FileAnswers>()));
    const known = answers.get(key);
    if (known !== undefined) return known;
    const { types, cacheControl, inMemoryBytesMax = 16_384 } = this.#options;
    const cache = byExtension(cacheControl, path);
    const headers = { ...(cache !== undefined && { "cache-control": cache }), ...added };
    const type = byExtension(types, path) ?? typeOf(path);
    const made = new FileAnswers(found, type, headers, inMemoryBytesMax);
    answers.set(key, made);
    return made;
  }
}

function byExtension(rule: ByExtension | undefined, path: string): string | undefined {
  if (rule === undefined || typeof rule === "string") return rule;
  if (typeof rule === "function") return saidAtOnce("files", "cacheControl", rule(path));
  const extension = extname(path).slice(1).toLowerCase();
  return Object.hasOwn(rule, extension) ? rule[extension] : rule["*"];
}
