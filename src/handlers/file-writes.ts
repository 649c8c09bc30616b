/**
 * PUT and DELETE of files. A file is written beside its place under a name that begins with a dot,
 * and renamed when it is whole: nobody reads a part of it, and a body that breaks off changes
 * nothing. Preconditions are judged before the body is read, and again when the name is given.
 * Any thread.
 */
import { randomBytes } from "node:crypto";
import { linkSync, renameSync, unlinkSync } from "node:fs";
import { lstat, open, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { HttpError } from "../shared/errors.ts";
import { OpenFile } from "../worker/open-file.ts";
import type { OpenFiles } from "../worker/open-files.ts";
import type { FileAnswers } from "./file-answers.ts";
import { openFolder, pathOf } from "./inner-folder.ts";
import { writeFailure } from "./write-failure.ts";

/** All else that cannot be opened is there. */
const MISSING = new Set(["ENOENT", "ENOTDIR", "ENAMETOOLONG"]);
const BYTES_MAX = 100 * 1024 * 1024;

export class FileWrites {
  readonly #root: string;
  readonly #open: OpenFiles;
  readonly #bytesMax: number;

  constructor(root: string, files: OpenFiles, bytesMax: number = BYTES_MAX) {
    this.#root = root;
    this.#open = files;
    this.#bytesMax = bytesMax;
  }

  /** `answersOf`: of the file that is there, for preconditions. */
  async answer(
    request: Request,
    path: string,
    answersOf: (file: OpenFile) => FileAnswers,
  ): Promise<Response> {
    const { method, headers } = request;
    if (path === "" || path.endsWith("/")) return folderRefused();
    if (headers.has("content-range")) return refused(400, "a part cannot be written"); // 14.5
    // It would be sent without the coding, as if it was the content. RFC 9110 15.5.16.
    if (method === "PUT" && isCoded(headers)) {
      return refused(415, "it is to come without a coding", { "accept-encoding": "identity" });
    }
    // Before the client is told to go on.
    if (method === "PUT" && Number(headers.get("content-length")) > this.#bytesMax) throw tooLong();
    const full = join(this.#root, path);
    const judge = (): Response | boolean => this.#judge(headers, full, answersOf);
    const judged = judge();
    if (typeof judged !== "boolean") return judged;
    const folder = await openFolder(this.#root, dirname(full));
    if (folder === null) return method === "PUT" ? noFolder() : refused(404, "no such folder");
    try {
      const target = join(pathOf(folder), basename(full));
      return method === "PUT" ? await this.#put(request, target, judge) : remove(target, judge);
    } finally {
      await folder.close();
      this.#open.forget(full);
    }
  }

  /** Of what is there now: the answer that refuses, or whether there is a file. */
  #judge(
    headers: Headers,
    full: string,
    answersOf: (file: OpenFile) => FileAnswers,
  ): Response | boolean {
    this.#open.forget(full);
    const found = this.#open.find(full);
    if (found === "EISDIR") return folderRefused();
    if (typeof found !== "string") return answersOf(found).writePreconditionFailed(headers) ?? true;
    return MISSING.has(found) ? missing(headers) ?? false : unreadable(headers) ?? true;
  }

  async #put(
    request: Request,
    target: string,
    judge: () => Response | boolean,
  ): Promise<Response> {
    const there = await lstat(target).catch(() => null);
    if (await isFolder(target)) return folderRefused();
    const made = join(dirname(target), `.${randomBytes(12).toString("hex")}.millrace-put`);
    try {
      await this.#fill(made, request, there?.isFile() === true ? there.mode & 0o777 : null);
      // While the body came somebody else may have written; from here on nobody of this worker.
      const judged = judge();
      if (typeof judged !== "boolean") return judged;
      if (request.headers.get("if-none-match")?.trim() !== "*") renameSync(made, target);
      else if (!linked(made, target)) return refused(412, "it is there already");
      return new Response(null, { status: judged ? 204 : 201 });
    } catch (error) {
      // The folder was removed while the body came, and what was written with it.
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return noFolder();
      throw writeFailure(error);
    } finally {
      await removed(made);
    }
  }

  /** `mode`: of the file that is replaced, which nobody may read now who could not before. */
  async #fill(path: string, request: Request, mode: number | null): Promise<void> {
    const into = await open(path, "wx", mode ?? 0o666);
    try {
      if (mode !== null) await into.chmod(mode); // whatever the umask is
      let length = 0;
      for await (const chunk of request.body ?? []) {
        length += (chunk as Uint8Array).length;
        if (length > this.#bytesMax) throw tooLong();
        await into.writeFile(chunk as Uint8Array);
      }
      await into.datasync(); // before the name is its
    } finally {
      await into.close();
    }
  }
}

function isCoded(headers: Headers): boolean {
  const codings = (headers.get("content-encoding") ?? "").split(",");
  return codings.some((coding) => !/^(?:identity)?$/i.test(coding.trim()));
}

function remove(target: string, judge: () => Response | boolean): Response {
  const judged = judge();
  if (typeof judged !== "boolean") return judged;
  try {
    unlinkSync(target);
  } catch {
    return refused(404, "no such file");
  }
  return new Response(null, { status: 204 });
}

/** False: there is something of that name. */
function linked(made: string, target: string): boolean {
  try {
    linkSync(made, target);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function refused(status: number, why: string, headers: Record<string, string> = {}): Response {
  return new Response(`${why}\n`, { status, headers });
}

function noFolder(): Response {
  return refused(409, "no such folder");
}

/** Whether the slash is there or not. */
function folderRefused(): Response {
  return refused(405, "a folder cannot be written", { allow: "GET, HEAD" });
}

function tooLong(): HttpError {
  return new HttpError(413, "the file is too long");
}

/** Of a file that is not there no If-Match holds. */
function missing(headers: Headers): Response | null {
  return headers.has("if-match") ? refused(412, "it is not there") : null;
}

/** There is something, and nobody can tell which version: what depends on that does not hold. */
function unreadable(headers: Headers): Response | null {
  const names = ["if-none-match", "if-unmodified-since"];
  const holds = (headers.get("if-match") ?? "*").trim() === "*";
  const isOpen = holds && !names.some((name) => headers.has(name));
  return isOpen ? null : refused(412, "its version is not known");
}

async function isFolder(path: string): Promise<boolean> {
  return await stat(path).then((found) => found.isDirectory(), () => false);
}

/** If it is still there. */
async function removed(path: string): Promise<void> {
  await unlink(path).catch(() => undefined);
}
