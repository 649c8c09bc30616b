/**
 * PUT and DELETE of files. A file is written beside its place under a name that begins with a dot,
 * and renamed when it is whole: nobody reads a part of it, and a body that breaks off changes
 * nothing. Any thread.
 */
import { randomBytes } from "node:crypto";
import { open, rename, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { HttpError } from "../shared/errors.ts";
import { OpenFile } from "../worker/open-file.ts";
import type { OpenFiles } from "../worker/open-files.ts";
import type { FileAnswers } from "./file-answers.ts";
import { openFolder, pathOf } from "./inner-folder.ts";

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
    if (path === "" || path.endsWith("/")) return refused(405, "a folder cannot be written");
    if (headers.has("content-range")) return refused(400, "a part cannot be written"); // 14.5
    const full = join(this.#root, path);
    this.#open.forget(full);
    const found = this.#open.find(full);
    if (found === "EISDIR") return refused(409, "this is a folder");
    const isThere = typeof found !== "string";
    const failed = isThere
      ? answersOf(found).preconditionFailed(headers)
      : missing(headers);
    if (failed !== null) return failed;
    if (isThere && headers.get("if-none-match") === "*") return refused(412, "it is there already");
    const folder = await openFolder(this.#root, dirname(full));
    if (folder === null) return refused(method === "PUT" ? 409 : 404, "no such folder");
    try {
      const here = pathOf(folder);
      if (method === "PUT") await this.#write(request, here, basename(full));
      else if (!(await removed(join(here, basename(full))))) return refused(404, "no such file");
    } finally {
      await folder.close();
      this.#open.forget(full);
    }
    return new Response(null, { status: method === "PUT" && !isThere ? 201 : 204 });
  }

  async #write(request: Request, folder: string, name: string): Promise<void> {
    const target = join(folder, name);
    if (await isFolder(target)) throw new HttpError(409, "this is a folder");
    const made = join(folder, `.${randomBytes(12).toString("hex")}.millrace-put`);
    try {
      await this.#fill(made, request);
      await rename(made, target);
    } catch (error) {
      await removed(made);
      throw error;
    }
  }

  async #fill(path: string, request: Request): Promise<void> {
    const into = await open(path, "wx", 0o666);
    try {
      let length = 0;
      for await (const chunk of request.body ?? []) {
        length += (chunk as Uint8Array).length;
        if (length > this.#bytesMax) throw new HttpError(413, "the file is too long");
        await into.writeFile(chunk as Uint8Array);
      }
      await into.datasync(); // before the name is its
    } finally {
      await into.close();
    }
  }
}

function refused(status: number, why: string): Response {
  return new Response(`${why}\n`, { status });
}

/** Of a file that is not there no If-Match holds. */
function missing(headers: Headers): Response | null {
  return headers.has("if-match") ? refused(412, "it is not there") : null;
}

async function isFolder(path: string): Promise<boolean> {
  return await stat(path).then((found) => found.isDirectory(), () => false);
}

async function removed(path: string): Promise<boolean> {
  return await unlink(path).then(() => true, () => false);
}
