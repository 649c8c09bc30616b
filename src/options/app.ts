/**
 * What the option `app` may be, and the URL that workers import for it. Runs in the primary; looks
 * at the file system, so that a missing file is found before any thread is started.
 */
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { App, FetchHandler } from "../shared/app.ts";
import { MillraceError } from "../shared/errors.ts";

/**
 * A path against the working directory, a `file:` URL, or, with `workers: 0`, the app itself. A
 * folder is an app that serves its files.
 */
export type AppOption = string | URL | App | FetchHandler;

export type ResolvedApp =
  | { readonly kind: "module"; readonly href: string }
  | { readonly kind: "value"; readonly value: App | FetchHandler };

export function isAppOption(value: unknown): value is AppOption {
  if (typeof value === "string") return value !== "";
  return typeof value === "function" || (typeof value === "object" && value !== null);
}

export function resolveApp(app: AppOption, workers: number): ResolvedApp {
  if (typeof app === "string" || app instanceof URL) {
    const url = urlOf(app);
    return { kind: "module", href: isFolder(url) ? folderApp(url) : url.href };
  }
  if (workers === 0) return { kind: "value", value: app };
  const form = typeof app === "function" ? "a function" : "an object";
  throw new MillraceError(
    "ERR_MILLRACE_APP_NOT_PATH",
    `app is ${form}, which worker threads cannot be given: export it from a module and pass the ` +
      'module\'s path, as in { app: "./app.mjs" }, or set workers: 0',
  );
}

function urlOf(app: string | URL): URL {
  if (typeof app === "string" && !app.startsWith("file:")) return pathToFileURL(resolve(app));
  const url = new URL(app);
  if (url.protocol === "file:" && url.host === "") return url;
  throw new MillraceError(
    "ERR_MILLRACE_OPTION_INVALID",
    `app must be a path or a file: URL without a host, not ${url.href}`,
  );
}

/** Serves the files of the folder. */
function folderApp(url: URL): string {
  const module = new URL("../handlers/folder-app.js", import.meta.url);
  module.searchParams.set("root", fileURLToPath(url));
  return module.href;
}

function isFolder(url: URL): boolean {
  const path = fileURLToPath(url);
  try {
    return statSync(path).isDirectory();
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "error";
    const why = code === "ENOENT" ? "no such file" : code;
    throw new MillraceError(
      "ERR_MILLRACE_APP_NOT_FOUND",
      `app not found: ${path} (${why})`,
      { cause },
    );
  }
}
