/** Tests of asking a directory for TLS, with what directories and others may say to it. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import t, { type Test } from "tap";
import { startTls } from "../../src/handlers/start-tls.ts";
import { until, within } from "../support/deadline.ts";

const YES = "30 0c 020101 7807 0a0100 0400 0400";
const REQUEST = "301d02010177188016312e332e362e312e342e312e313436362e3230303337";

interface Peer {
  readonly port: number;
  readonly connections: ReadonlySet<Socket>;
}

/** Answers what it is asked first. */
async function directory(t: Test, answer: (socket: Socket) => unknown): Promise<Peer> {
  const connections = new Set<Socket>();
  const server = createServer((socket) => {
    connections.add(socket);
    socket.on("close", () => connections.delete(socket));
    socket.on("error", () => {});
    socket.once("data", (asked: Buffer) => {
      t.equal(asked.toString("hex"), REQUEST);
      answer(socket);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.teardown(() => server.close());
  return { port: (server.address() as AddressInfo).port, connections };
}

function bytesOf(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(" ", ""), "hex");
}

t.test("a directory that agrees", async (t) => {
  for (const answer of [
    YES,
    "30840000000c 020101 7807 0a0100 0400 0400", // lengths as Active Directory writes them
    "308400000028 020101 78840000001f 0a0100 0400 0400 8a16" +
      "312e332e362e312e342e312e313436362e3230303337",
  ]) {
    const bytes = bytesOf(answer);
    const { port } = await directory(t, (socket) => socket.write(bytes));
    (await startTls("127.0.0.1", port, 5000)).destroy();
  }
});

t.test("an answer that comes byte by byte, and what comes for TLS later", async (t) => {
  const { port } = await directory(t, async (socket) => {
    socket.setNoDelay(true);
    socket.once("data", () => socket.write("handshake"));
    for (const byte of bytesOf(YES)) {
      socket.write(Uint8Array.of(byte));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  });
  const socket = await startTls("127.0.0.1", port, 5000);
  t.teardown(() => socket.destroy());
  socket.write("hello");
  const [piece] = await within("the next bytes", once(socket.resume(), "data")) as [Buffer];
  t.equal(piece.toString(), "handshake");
});

t.test("whatever else it says", async (t) => {
  for (const [answer, message] of [
    [`${YES} 30`, /bytes behind it/],
    [`${YES} 301a 020103 6115 0a0100 0400 040e`, /bytes behind it/],
    ["30 0c 020101 7807 0a0134 0400 0400", /does not make the connection secure: result 52/],
    ["30 0c 020102 7807 0a0100 0400 0400", /is none/], // of another message
    ["30 0c 020100 7807 0a0100 0400 0400", /is none/], // of no message
    ["30 0c 020101 6107 0a0100 0400 0400", /is none/], // to a bind
    ["31 0c 020101 7807 0a0100 0400 0400", /is none/],
    ["30 0c 020101 7807 020100 0400 0400", /is none/],
    ["30 0d 020101 7808 0a020000 0400 0400", /is none/],
    ["30 05 020101 7800", /is none/],
    ["30 03 020101", /is none/],
    ["30 00", /is none/],
    ["30 80 0000", /is none/], // of indefinite length
    ["30 85 0000000001 00", /is none/],
    [`30 84 ffffffff ${"00".repeat(5000)}`, /is too long/],
    ["48545450", /closed the connection before it was secure/],
    ["", /closed the connection before it was secure/],
  ] as const) {
    const peer = await directory(t, (socket) => socket.end(bytesOf(answer)));
    const asked = startTls("127.0.0.1", peer.port, 5000);
    await t.rejects(within("the answer", asked), { message }, answer.slice(0, 80));
    await until("the connection to close", () => peer.connections.size === 0);
  }
});

t.test("a directory that says nothing, or is not there", async (t) => {
  const silent = await directory(t, () => {});
  const asked = startTls("127.0.0.1", silent.port, 100);
  await t.rejects(within("the clock", asked), { message: /secure in time/ });
  await until("the connection to close", () => silent.connections.size === 0);
  await t.rejects(startTls("127.0.0.1", 1, 5000), { code: "ECONNREFUSED" });
});
