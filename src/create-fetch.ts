/**
 * `createFetch(app)`: the app as a function from Request to Response, through the very routes and
 * rules of a worker and without a socket, for the app's own tests. Any thread.
 */
import { randomUUID } from "node:crypto";
import type { App, FetchHandler } from "./shared/app.ts";
import { MillraceError } from "./shared/errors.ts";
import type { ListenerSettings } from "./shared/listener-settings.ts";
import type { ListenerFacts } from "./shared/messages.ts";
import { suggest } from "./shared/suggest.ts";
import { type LogLevel, type ResolvedOptions, resolveLayers } from "./options.ts";
import { isAppOption } from "./options/app.ts";
import { show } from "./options/checks.ts";
import { Apps } from "./worker/apps.ts";
import { installGlobals, removeGlobals } from "./worker/globals.ts";
import { makeLog } from "./worker/log.ts";
import { closeApp } from "./worker/main.ts";
import { MetricSources } from "./worker/metric-sources.ts";
import { RouteTables } from "./worker/route-tables.ts";
import { StandardRequest } from "./worker/standard.ts";
import { Topics } from "./worker/topics.ts";
import { absentServer } from "./create-fetch/absent-server.ts";
import { Calls } from "./create-fetch/calls.ts";

type RequestInit = ConstructorParameters<typeof Request>[1];

type Setting =
  | "methods" | "handlerTimeoutMs" | "headBytesMax" | "headersMax" | "targetBytesMax"
  | "bodyBytesMax" | "bodyStreamBytesMax" | "decodeBodies" | "outputBytesMax"
  | "outputHardBytesMax" | "requestIdHeader" | "headers" | "compression" | "debug"
  | "trustProxy" | "forwardedFields" | "forwardedUrl";

const SETTINGS: readonly Setting[] = [
  "methods", "handlerTimeoutMs", "headBytesMax", "headersMax", "targetBytesMax", "bodyBytesMax",
  "bodyStreamBytesMax", "decodeBodies", "outputBytesMax", "outputHardBytesMax", "requestIdHeader",
  "headers", "compression", "debug", "trustProxy", "forwardedFields", "forwardedUrl",
];
const OTHERS = ["development", "logLevel", "logDestination", "listener"] as const;

/** Those of a listener, with its defaults; docs/options.md has the meaning. */
export type CreateFetchOptions = {
  [name in Setting]?: ListenerSettings[name] | undefined;
} & {
  development?: boolean | undefined;
  /** Default "warn". */
  logLevel?: LogLevel | undefined;
  /** Default "stderr". */
  logDestination?: string | undefined;
  /** What `context.listener` shows. Default: the id `default`. */
  listener?: { id?: string; name?: string; data?: unknown } | undefined;
};

export interface AppFetch {
  /**
   * As the global `fetch`, but that no redirection is followed and no body decoded; a path alone
   * is one of `http://localhost`. Rejects with ERR_MILLRACE_NO_SOCKET for what needs a connection,
   * such as `context.upgrade()`, with ERR_MILLRACE_SERVER_CLOSED from `close` on, and with a
   * TypeError where the app ends the connection without an answer, or for a URL that is of no HTTP.
   */
  (input: Request | string | URL, init?: RequestInit): Promise<Response>;
  /** Calls that still run fail; then the app's `close` runs. May be called again. */
  close(): Promise<void>;
}

/**
 * Loads the app and runs its `init`. `app`: what `serve()` takes, and also the app itself. Rejects
 * as `serve()` does. Until `close` the thread has the classes of a worker as its globals.
 */
export async function createFetch(
  app: string | URL | App | FetchHandler,
  options: CreateFetchOptions = {},
): Promise<AppFetch> {
  const resolved = resolve(app, options);
  installGlobals();
  try {
    return await open(resolved);
  } catch (error) {
    removeGlobals();
    throw error;
  }
}

function resolve(
  app: string | URL | App | FetchHandler,
  { listener, ...options }: CreateFetchOptions,
): ResolvedOptions {
  const known: readonly string[] = [...SETTINGS, ...OTHERS];
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new MillraceError(
      "ERR_MILLRACE_OPTION_UNKNOWN",
      `createFetch has no option ${unknown}${suggest(unknown, known)}`,
    );
  }
  if (!isAppOption(app)) {
    throw new MillraceError(
      "ERR_MILLRACE_OPTION_INVALID",
      `createFetch takes an app, a path or a file: URL of its module, not ${show(app)}`,
    );
  }
  const values = {
    logLevel: "warn", logDestination: "stderr", ...options, app, workers: 0,
    listeners: [{ port: 0, ...listener }],
  };
  return resolveLayers([{ source: "option", values }]);
}

async function open(options: ResolvedOptions): Promise<AppFetch> {
  const { log } = makeLog(options, {});
  const apps = new Apps();
  const app = await apps.load(0, options.app);
  const tables = new RouteTables(app, []);
  const topics = new Topics(randomUUID(), log);
  const server = absentServer(topics);
  const calls = new Calls({
    tables, topics, server, log, listeners: factsOf(options), isDevelopment: options.development,
  });
  apps.attach({
    workerId: 1,
    generation: 1,
    server,
    log,
    sources: new MetricSources(log),
    background: () => calls.host.background.done(),
    closeApp: (each) => closeApp(each, tables.registryOf(each), log),
  });
  try {
    await topics.open(app.broker);
    await apps.init(app);
  } catch (error) {
    await topics.close();
    throw error;
  }
  return fetchOf(calls, async () => {
    apps.abort();
    await calls.host.background.done();
    await apps.close();
    await topics.close();
    removeGlobals();
  });
}

/** Of both schemes, http first. */
function factsOf({ listeners }: ResolvedOptions): ListenerFacts[] {
  const { id, name, data, settings } = listeners[0]!;
  return [false, true].map((isTls) => ({ id, name, data, settings, isTls }));
}

function fetchOf(calls: Calls, end: () => Promise<void>): AppFetch {
  let closing: Promise<void> | null = null;
  const fetch = async (input: Request | string | URL, init?: RequestInit): Promise<Response> => {
    if (closing !== null) throw new MillraceError("ERR_MILLRACE_SERVER_CLOSED");
    const isRequest = input instanceof StandardRequest;
    const target = isRequest ? input : new URL(input, "http://localhost");
    const request = new Request(target, init);
    if (!/^https?:/.test(request.url)) {
      throw new TypeError(`createFetch calls an app by http: or https:, not by ${request.url}`);
    }
    return await calls.call(request);
  };
  const close = (): Promise<void> => {
    if (closing === null) {
      calls.leaveAll(new MillraceError("ERR_MILLRACE_SERVER_CLOSED"));
      closing = end();
    }
    return closing;
  };
  return Object.assign(fetch, { close });
}
