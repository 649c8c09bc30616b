/** A server with the app of the conformance tests, and exact transcripts of what it answers. */
import type { ServeOptions } from "../../src/options.ts";
import { until } from "./deadline.ts";
import { repositoryFile } from "./environment.ts";
import type { Owner } from "./folder.ts";
import type { RawClient } from "./raw-client.ts";
import { startServer } from "./server.ts";
import type { TestServer } from "./server.ts";

export interface ConformanceServer extends TestServer {
  /** Lets `/wait/:key` answer. */
  open(key: string): Promise<void>;
  /** Resolves when a handler waits at the gate. */
  waits(key: string): Promise<void>;
  /** What handlers have seen so far, as "METHOD /path". */
  seen(): Promise<string[]>;
  /** All that comes back on a new connection, to the server's FIN, without Date. */
  transcript(bytes: string, way?: Way): Promise<string>;
}

/** How bytes are sent: in one write, each for itself, or in two parts cut at an offset. */
export type Way = "whole" | "bytewise" | number;

const app = repositoryFile("test/fixtures/conformance-app.mjs");

export async function startConformance(
  owner: Owner,
  options: Omit<ServeOptions, "app"> = {},
): Promise<ConformanceServer> {
  const started = await startServer(owner, { ...options, app });
  const own = async (path: string): Promise<unknown> =>
    await (await fetch(`${started.url}/-/${path}`)).text();
  const list = async (path: string): Promise<string[]> => JSON.parse(String(await own(path)));
  return {
    ...started,
    open: async (key) => void (await own(`open/${key}`)),
    waits: (key) =>
      until(`a handler at ${key}`, async () => (await list("waiting")).includes(key)),
    seen: () => list("seen"),
    async transcript(bytes, way = "whole") {
      const client = await started.connect();
      await send(client, bytes, way);
      const all = await client.readToEnd();
      client.close();
      return withoutDate(all);
    },
  };
}

async function send(client: RawClient, bytes: string, way: Way): Promise<void> {
  if (way === "whole") {
    client.write(bytes);
  } else if (way === "bytewise") {
    await client.writeSlowly(bytes);
  } else {
    client.write(bytes.slice(0, way));
    await new Promise((resolve) => setTimeout(resolve, 2));
    client.write(bytes.slice(way));
  }
}

export function withoutDate(transcript: string): string {
  return transcript.replace(/^Date: \w{3}, \d{2} \w{3} \d{4} [\d:]{8} GMT\r\n/gm, "");
}
