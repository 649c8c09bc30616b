/** Tests of what a process takes over from the one before it, in processes of their own. */
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import t from "tap";
import { HAND_OVER_VARIABLE, HandOverChannel } from "../../src/primary/hand-over.ts";
import { Predecessor } from "../../src/primary/predecessor.ts";
import { within } from "../support/deadline.ts";
import { cleanEnv, repositoryFile } from "../support/environment.ts";

t.test("what is not for this process is dropped, and nobody inherits it", async (t) => {
  const whole = {
    pid: process.ppid, control: "/c", channel: 0, stderr: 2, isWatched: false, sockets: [],
    running: {},
  };
  const wrong = [
    "", "{", "null", "7", JSON.stringify({ ...whole, sockets: undefined }),
    JSON.stringify({ ...whole, pid: "1" }), JSON.stringify({ ...whole, running: null }),
    // A descriptor that is no socket, and one that is not open.
    JSON.stringify({ ...whole, channel: 1_000_000 }),
    JSON.stringify({ ...whole, pid: process.pid }),
  ];
  for (const text of wrong) {
    const env: Record<string, string | undefined> = { [HAND_OVER_VARIABLE]: text };
    t.equal(Predecessor.claim(env), null, text);
    t.notOk(HAND_OVER_VARIABLE in env);
  }
  t.equal(Predecessor.claim({}), null);
});

const SOURCE = `
import { loadNative } from ${JSON.stringify(repositoryFile("dist/src/native.js"))};
import { Predecessor } from ${JSON.stringify(repositoryFile("dist/src/primary/predecessor.js"))};
const predecessor = Predecessor.claim();
const said = [predecessor.pid === process.ppid];
for (const id of ["b", "a", "c"]) said.push(predecessor.isRunning(id) ?? null);
const [{ bound: { port } }] = predecessor.socketsOf("a");
said.push(predecessor.take("a", { host: "127.0.0.2", port }));
said.push(predecessor.take("other", { host: "127.0.0.1", port: 0 }));
said.push(predecessor.take("a", { host: "127.0.0.1", port: 0 }));
said.push(predecessor.take("a", { host: "127.0.0.1", port }));
await predecessor.offer();
process.stderr.write("before");
await predecessor.finish(loadNative());
process.stderr.write("after");
process.stdout.write(JSON.stringify(said));
`;

t.test("sockets are taken once and by their place, and stderr goes on elsewhere", async (t) => {
  const server = createServer().listen(0, "127.0.0.1");
  t.teardown(() => {
    server.close();
  });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  // oxlint-disable-next-line no-underscore-dangle -- Node.js has no other way to the descriptor
  const fd = (server as unknown as { _handle: { fd: number } })._handle.fd;
  const bound = { host: "127.0.0.1", port };
  const handOver = {
    pid: process.pid, control: "/c", channel: 3, stderr: 4, isWatched: false,
    running: { a: true, b: false },
    sockets: [{ listener: "a", fd: 5, bound }, { listener: "left", fd: 6, bound: { path: "/x" } }],
  };
  const child = spawn(process.execPath, ["--input-type=module", "-e", SOURCE], {
    env: cleanEnv({ [HAND_OVER_VARIABLE]: JSON.stringify(handOver) }),
    stdio: ["ignore", "pipe", "pipe", "pipe", "pipe", fd, fd],
  });
  const [said, first, second] = [1, 2, 4].map((index) => textOf(child.stdio[index] as Duplex));
  const channel = new HandOverChannel(child.stdio[3] as Duplex);
  const message = await within("ready", channel.receive(), 30_000);
  t.strictSame(message, { type: "ready", listeners: ["a"] }, "one of whom nothing is left");
  channel.send({ type: "take" });
  t.strictSame(await within("taken", channel.receive()), { type: "taken" });
  channel.close();
  await within("the end", once(child, "close"));
  t.strictSame(JSON.parse(said!()), [true, false, true, null, -1, -1, 5, -1]);
  t.equal(first!(), "before");
  t.equal(second!(), "after");
});

function textOf(stream: Duplex): () => string {
  let text = "";
  stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
  return () => text;
}
