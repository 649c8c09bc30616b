/**
 * Turns the default export of the app's module into an App, or says why it is none.
 * Thread: the worker's.
 */
import { fileOf, inFile } from "../shared/app-file.ts";
import type { App, FetchHandler } from "../shared/app.ts";
import { MillraceError } from "../shared/errors.ts";
import type { ServeTask } from "../shared/messages.ts";
import { rememberFile } from "./app-files.ts";
import { readConstants, readTableConstants } from "./constants.ts";
import { withPlace } from "./error-place.ts";
import { handlerEntries } from "./handler-registry.ts";
import { placeOfImport } from "./import-place.ts";
import { readWebSocketMember } from "./websocket-options.ts";

/**
 * Throws ERR_MILLRACE_APP_LOAD, …_APP_SHAPE, …_ROUTE_INVALID, …_HANDLER_DUPLICATE or
 * …_WEBSOCKET_INVALID, with the name of the file.
 */
export async function loadApp(source: ServeTask["app"]): Promise<App> {
  const file = fileOf(source);
  try {
    const value = source.kind === "value" ? source.value : await importDefault(source.href, file!);
    const app = await readApp(toApp(value));
    rememberFile(app, file);
    return app;
  } catch (error) {
    throw inFile(file, error);
  }
}

async function readApp(app: App): Promise<App> {
  readWebSocketMember(app.websocket);
  const handlers = Object.fromEntries(handlerEntries(app.handlers));
  return {
    ...bindMembers(app),
    ...(app.table && { table: await readTableConstants(app.table) }),
    routes: await readConstants(app.routes),
    handlers: await readConstants(handlers),
  };
}

async function importDefault(href: string, file: string): Promise<unknown> {
  try {
    const module = (await import(href)) as { default?: unknown };
    return unwrapped(module.default);
  } catch (cause) {
    const text = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    const reason = withPlace(text, await placeOfImport(href, cause));
    // Named, since a SyntaxError does not say in which file it is.
    const message = `The app ${file} could not be loaded: ${reason}`;
    throw new MillraceError("ERR_MILLRACE_APP_LOAD", message, { cause });
  }
}

const ANSWERING = ["table", "routes", "handlers", "fetch"];

/** A loader that compiles to CommonJS, as jiti does on Node.js 20, nests the default export. */
function unwrapped(value: unknown): unknown {
  const isNested =
    typeof value === "object" && value !== null &&
    "default" in value && !ANSWERING.some((member) => member in value);
  return isNested ? value.default : value;
}

const MEMBERS = [
  "fetch", "error", "onClientError", "onRequest", "onResponse", "debugMask", "init", "close",
] as const;

function toApp(value: unknown): App {
  if (typeof value === "function") return { fetch: value as FetchHandler };
  if (typeof value !== "object" || value === null) {
    const what = value === undefined ? "there is no default export" : `it is a ${typeof value}`;
    throw shape(`The default export is no app: ${what}`);
  }
  const app = value as App;
  for (const member of MEMBERS) {
    if (app[member] !== undefined && typeof app[member] !== "function") {
      throw shape(`The app's \`${member}\` is no function`);
    }
  }
  checkBroker(app.broker);
  const { routes } = app;
  if (routes !== undefined && (typeof routes !== "object" || routes === null)) {
    throw shape("The app's `routes` is no object");
  }
  if (Array.isArray(routes)) {
    throw shape("The app's `routes` is an array: an ordered table is given as `table`");
  }
  if ((app.table ?? routes ?? app.handlers ?? app.fetch) === undefined) {
    throw shape("The default export is no app: it has neither `routes` nor `fetch` nor `table`");
  }
  return app;
}

const BROKER_CALLS = ["open", "publish", "subscribe", "unsubscribe", "close"] as const;

function checkBroker(broker: App["broker"]): void {
  if (broker === undefined) return;
  const lacks = BROKER_CALLS.find((name) => typeof broker?.[name] !== "function");
  if (lacks !== undefined) throw shape(`The app's \`broker\` has no function \`${lacks}\``);
}

/** Members are called as methods of the object that the app exports. */
function bindMembers(app: App): App {
  const { port, hostname, broker, websocket } = app;
  const bound: Record<string, unknown> = {
    port, hostname, ...(broker && { broker }), ...(websocket && { websocket }),
  };
  for (const member of MEMBERS) {
    const value = app[member] as ((...args: unknown[]) => unknown) | undefined;
    if (value === undefined) continue;
    // A plain function keeps its own source, by which a handler without parameters is known.
    bound[member] = Object.hasOwn(app, member) && isArrow(value) ? value : value.bind(app);
  }
  return bound;
}

function isArrow(value: (...args: unknown[]) => unknown): boolean {
  return !Object.hasOwn(value, "prototype") && /=>/.test(String(value));
}

function shape(message: string): MillraceError {
  return new MillraceError("ERR_MILLRACE_APP_SHAPE", message);
}
