/** Starts a server of the lifecycle app, with its gate and its log. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ServeOptions } from "../../src/options.ts";
import { within } from "./deadline.ts";
import type { Way } from "./deaths.ts";
import { cleanEnv, repositoryFile } from "./environment.ts";
import { ownFolder } from "./folder.ts";
import type { Owner } from "./folder.ts";
import { Gate } from "./gate.ts";
import { connectRaw } from "./raw-client.ts";
import type { RawClient } from "./raw-client.ts";
import { startServer } from "./server.ts";
import type { TestServer } from "./server.ts";

export const LIFECYCLE_APP: string = repositoryFile("dist/test/support/lifecycle-app.js");

/** A whole request; without a body. */
export function get(path: string = "/"): string {
  return `GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`;
}

export interface LifecycleServer extends TestServer {
  readonly gate: Gate;
  /** What the app has noted. */
  notes(): string[];
  /** A connection to the listener of that id. */
  connectTo(id: string): Promise<RawClient>;
}

export interface LifecycleOptions extends Omit<ServeOptions, "app"> {
  readonly ids?: readonly string[];
  /** What every `init` does after those of the workers that the server starts with. */
  readonly again?: "hang" | "fail" | "crash" | Way;
}

/** One listener `default`, or those of the ids; each has the gate as its data. */
export async function startLifecycle(
  owner: Owner,
  options: LifecycleOptions = {},
): Promise<LifecycleServer> {
  const { ids = ["default"], again, ...rest } = options;
  const gate = new Gate();
  owner.teardown(() => gate.open());
  const file = join(ownFolder(owner), "log");
  writeFileSync(file, "");
  const data = gate.buffer;
  const started = await startServer(owner, {
    app: LIFECYCLE_APP,
    listeners: ids.map((id) => ({ id, host: "127.0.0.1", port: 0, data })),
    env: {
      ...cleanEnv({ NODE_OPTIONS: "", LIFECYCLE_LOG: file }),
      ...(again !== undefined && {
        LIFECYCLE_AGAIN: again, LIFECYCLE_AGAIN_AFTER: String(options.workers ?? 1),
      }),
    },
    drainQuietMs: 100,
    ...rest,
  });
  return {
    ...started,
    gate,
    notes: () => readFileSync(file, "utf8").split("\n").filter((line) => line !== ""),
    async connectTo(id) {
      const found = started.server.listeners.find((each) => each.id === id);
      const client = await connectRaw({ host: found?.host, port: found?.port, path: found?.path });
      owner.teardown(() => client.close());
      return client;
    },
  };
}

/** Connections that have each been answered once, so that a worker has them. */
export async function connectMany(server: TestServer, count: number): Promise<RawClient[]> {
  const clients = await Promise.all(Array.from({ length: count }, () => server.connect()));
  await Promise.all(clients.map((client) => client.request(get())));
  return clients;
}

/** The details of the next `count` events of a name; listens from now on. */
export function collect<T>(server: TestServer, name: string, count: number = 1): Promise<T[]> {
  const seen: T[] = [];
  const all = new Promise<T[]>((resolve) => {
    server.server.events.on(name, (detail: T) => {
      seen.push(detail);
      if (seen.length === count) resolve(seen);
    });
  });
  return within(() => `${count} events ${name}; ${seen.length} came`, all, 60_000);
}

/** How long something takes, in milliseconds. */
export async function elapsed(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}
