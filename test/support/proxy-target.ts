/** A server of node:http for the reverse proxy, and the proxy before it. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Test } from "tap";
import type { ProxyOptions } from "../../src/handlers/proxy.ts";
import { startApp, type TestServer } from "./server.ts";

/** The module under test, for apps. */
export const MODULE: string = new URL("../../src/handlers/proxy.js", import.meta.url).href;

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export interface Target {
  readonly url: string;
  readonly server: Server;
  readonly connections: Set<Socket>;
}

export async function targetOf(owner: Test, answer: Answer): Promise<Target> {
  const server = createServer(answer);
  const connections = new Set<Socket>();
  server.on("connection", (socket) => {
    connections.add(socket);
    socket.on("close", () => connections.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  owner.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, server, connections };
}

export async function proxyTo(
  owner: Test,
  url: string,
  options: ProxyOptions = {},
  methods: readonly string[] = ["GET", "PUT", "POST"],
): Promise<TestServer> {
  return await startApp(owner, `
    import { proxy } from ${JSON.stringify(MODULE)};
    export default proxy(${JSON.stringify(url)}, ${JSON.stringify(options)});
  `, { methods });
}

/** Says what came. */
export const echo: Answer = (request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const { method, url, rawHeaders } = request;
    const body = Buffer.concat(chunks).toString("latin1");
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify({ method, url, rawHeaders, body }));
  });
};

export interface Echoed {
  method: string;
  url: string;
  rawHeaders: string[];
  body: string;
}

export function fieldOf({ rawHeaders }: Echoed, name: string): string | undefined {
  const at = rawHeaders.findIndex((each, i) => i % 2 === 0 && each.toLowerCase() === name);
  return at < 0 ? undefined : rawHeaders[at + 1];
}
