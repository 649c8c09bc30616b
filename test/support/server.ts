/**
 * Starts a server of this build for one test and closes it when the test is over. tap gives its
 * processes loaders, which must not reach the worker threads.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { serve } from "../../src/index.ts";
import type { ServeOptions } from "../../src/options.ts";
import type { Server } from "../../src/shared/server.ts";
import { cleanEnv } from "./environment.ts";
import { ownFolder } from "./folder.ts";
import type { Owner } from "./folder.ts";
import { connectRaw } from "./raw-client.ts";
import type { RawClient } from "./raw-client.ts";

export interface TestServer {
  readonly server: Server;
  /** Of the first listener; it ends in no slash. */
  readonly url: string;
  readonly port: number;
  /** A raw connection to the first listener, closed with the test. */
  connect(): Promise<RawClient>;
}

/** Starts `serve()` on a free port with one worker, unless the options say otherwise. */
export async function startServer(owner: Owner, options: ServeOptions): Promise<TestServer> {
  const address = options.listeners === undefined ? { host: "127.0.0.1", port: 0 } : {};
  const server = await serve({
    workers: 1,
    execArgv: [],
    env: cleanEnv({ NODE_OPTIONS: "" }),
    logLevel: "silent",
    // Tests that compare whole answers are not about it; test/conformance/keep-alive.test.ts is.
    announceKeepAlive: false,
    // A busy machine holds a thread up for longer than the default, and then connections are not
    // shared out as the tests have it. Those of stuck workers set a time of their own.
    stuckMs: 60_000,
    ...address,
    ...options,
    // With the addon that is being tested.
    ...(options.env !== undefined && { env: cleanEnv(options.env) }),
  });
  owner.teardown(() => server.close({ force: true }));
  const [first] = server.listeners;
  const target = { host: first?.host, port: first?.port, path: first?.path };
  return {
    server,
    url: server.url.replace(/\/$/, ""),
    port: first?.port ?? 0,
    async connect() {
      const client = await connectRaw(target);
      owner.teardown(() => client.close());
      return client;
    },
  };
}

/** Writes the module's source to a file of the test's own folder and starts a server with it. */
export async function startApp(
  owner: Owner,
  source: string,
  options: Omit<ServeOptions, "app"> = {},
): Promise<TestServer> {
  return await startServer(owner, { ...options, app: writeApp(owner, source) });
}

/** The path of a module with this source, in a folder that goes with the test. */
export function writeApp(owner: Owner, source: string): string {
  const file = join(ownFolder(owner), "app.mjs");
  writeFileSync(file, source);
  return file;
}
