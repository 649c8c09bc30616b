/** Test that a million requests leave no trace in memory. */
import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import t from "tap";
import { sanitized } from "../support/environment.ts";
import { get, startLifecycle } from "../support/lifecycle.ts";

const REQUESTS = 1_000_000;
const WARM_UP = 200_000;
const PIPELINED = 256;
/** The collectors of two threads are lazy; a leak of 100 bytes a request would be 80 MB. */
const GROWTH_MAX = 48 * 2 ** 20;

/** Sends the request again and again, counting answers by their bytes, which are all alike. */
async function send(socket: Socket, request: Buffer, count: number, bytes: number): Promise<void> {
  const batch = Buffer.concat(Array.from({ length: PIPELINED }, () => request));
  for (let sent = 0; sent < count; sent += PIPELINED) {
    let left = PIPELINED * bytes;
    socket.write(batch);
    while (left > 0) {
      const [data] = (await once(socket, "data")) as [Buffer];
      left -= data.length;
    }
    if (left < 0) throw new Error("more answers than requests");
  }
}

const skip = sanitized && "nothing but memory is asked, and sanitizers keep what was freed";

for (const path of ["/", "/thread"]) {
  t.test(`memory is flat over a million requests of ${path}`, { skip }, async (t) => {
    const server = await startLifecycle(t);
    const probe = await server.connect();
    probe.write(get(path));
    const head = await probe.readUntil("\r\n\r\n");
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
    const socket = connect({ port: server.port, host: "127.0.0.1" });
    t.teardown(() => void socket.destroy());
    await once(socket, "connect");
    const request = Buffer.from(get(path));
    await send(socket, request, WARM_UP, head.length + length);
    const before = process.memoryUsage().rss;
    await send(socket, request, REQUESTS - WARM_UP, head.length + length);
    const growth = process.memoryUsage().rss - before;
    t.ok(growth < GROWTH_MAX, `grew by ${Math.round(growth / 1024)} KiB`);
    t.ok(server.server.stats().listeners[0]!.requests >= REQUESTS);
  });
}
