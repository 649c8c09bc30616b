/**
 * The configuration file: where it is looked for, and how it becomes a layer of options. Runs on
 * the command line only; `serve()` itself reads no file.
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { ListenerOptions } from "../options.ts";
import type { Layer } from "../options/layers.ts";
import { MillraceError } from "../shared/errors.ts";

/** Looked for beside the nearest package.json, in this order; the first that exists is taken. */
const NAMES = ["millrace.config.js", "millrace.config.mjs", "millrace.config.json"];

/** The file to use: the given one, or the one beside package.json, or none. */
export function findConfigFile(given: string | undefined, folder: string): string | undefined {
  if (given !== undefined) return resolve(folder, given);
  const project = projectFolder(folder);
  return NAMES.map((name) => join(project, name)).find((path) => existsSync(path));
}

/** The nearest folder upwards that has a package.json, or the folder itself if none has. */
function projectFolder(folder: string): string {
  for (let current = folder; ; current = dirname(current)) {
    if (existsSync(join(current, "package.json"))) return current;
    if (dirname(current) === current) return folder;
  }
}

/** Reads the file. Paths in it are meant against its own folder. */
export async function loadConfigFile(file: string): Promise<Layer> {
  const content = file.endsWith(".json") ? readJson(file) : await importModule(file);
  if (typeof content !== "object" || content === null || Array.isArray(content)) {
    throw new MillraceError("ERR_MILLRACE_CONFIG", `${file} must hold an object of options`);
  }
  return { source: "file", file, values: againstFolder(content, dirname(file)) };
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

async function importModule(file: string): Promise<unknown> {
  try {
    const module = await import(pathToFileURL(file).href) as { default?: unknown };
    return module.default;
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

function unreadable(file: string, cause: unknown): MillraceError {
  const code = (cause as NodeJS.ErrnoException | null)?.code;
  const isMissing = code === "ENOENT" || (code === "ERR_MODULE_NOT_FOUND" && !existsSync(file));
  const why = isMissing ? "no such file" : String((cause as Error | null)?.message ?? cause);
  return new MillraceError("ERR_MILLRACE_CONFIG", `cannot read ${file}: ${why}`, { cause });
}

/** Only what has the right type is touched; the checks of the rows come later. */
function againstFolder(content: object, folder: string): Record<string, unknown> {
  const values: Record<string, unknown> = { ...content };
  const { app, listeners, accessLog, logDestination } = values;
  for (const name of ["control", "pidFile"]) {
    const path = values[name];
    if (typeof path === "string" && path !== "") values[name] = resolve(folder, path);
  }
  if (typeof app === "string" && app !== "") values["app"] = appPath(app, folder);
  if (accessLog !== undefined) values["accessLog"] = logPath(accessLog, folder);
  if (logDestination !== undefined) values["logDestination"] = logPath(logDestination, folder);
  if (Array.isArray(listeners)) {
    values["listeners"] = listeners.map((listener: unknown) => (
      withPath(withApp(listener, folder), folder)
    ));
  }
  return values;
}

/** Of a log: a path, a word that is none, or an object with a path. */
function logPath(value: unknown, folder: string): unknown {
  if (typeof value === "string") {
    return ["", "stdout", "stderr", "false"].includes(value) ? value : resolve(folder, value);
  }
  const path = (value as { path?: unknown } | null | undefined)?.path;
  if (typeof path !== "string") return value;
  return { ...value as object, path: logPath(path, folder) };
}

function appPath(app: string, folder: string): string {
  return resolve(folder, app.startsWith("file:") ? fileURLToPath(app) : app);
}

function withApp(listener: unknown, folder: string): unknown {
  const { app } = (listener ?? {}) as ListenerOptions;
  if (typeof app !== "string" || app === "") return listener;
  return { ...listener as ListenerOptions, app: appPath(app, folder) };
}

function withPath(listener: unknown, folder: string): unknown {
  const { path, bind } = (listener ?? {}) as ListenerOptions;
  // A name in the abstract namespace is no file.
  if (typeof path === "string" && path !== "" && !path.startsWith("@")) {
    return { ...listener as ListenerOptions, path: resolve(folder, path) };
  }
  if (typeof bind !== "string" || !/^\.{1,2}\//.test(bind)) return listener;
  return { ...listener as ListenerOptions, bind: resolve(folder, bind) };
}
