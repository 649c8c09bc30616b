/** Tests of the channel between workers, with real threads and with several ends in one. */
import { once } from "node:events";
import { randomUUID } from "node:crypto";
import { Worker } from "node:worker_threads";
import t from "tap";
import type { Test } from "tap";
import type { Published } from "../../src/shared/published.ts";
import { TopicChannel } from "../../src/worker/topic-channel.ts";
import { until } from "../support/deadline.ts";

interface End {
  readonly channel: TopicChannel;
  readonly got: Published[];
}

function open(t: Test, server: string): End {
  const got: Published[] = [];
  const channel = new TopicChannel(server, (published) => got.push(published));
  t.teardown(() => channel.close());
  return { channel, got };
}

const text = (data: string): Published => ({ topic: "t", data, compress: false });

t.test("each message reaches each other end of the server once, in order", async (t) => {
  const server = randomUUID();
  const [one, two, three] = [open(t, server), open(t, server), open(t, server)];
  const other = open(t, randomUUID());
  const count = 5000; // more than a batch
  for (let i = 0; i < count; i++) one.channel.send(text(`one ${i}`));
  for (let i = 0; i < count; i++) two.channel.send(text(`two ${i}`));
  await until("all", () => three.got.length === 2 * count && one.got.length === count);
  for (const name of ["one", "two"]) {
    const numbers = three.got.filter(({ data }) => String(data).startsWith(name));
    t.strictSame(numbers.map(({ data }) => data), Array.from({ length: count }, (_, i) => (
      `${name} ${i}`
    )));
  }
  t.ok(one.got.every(({ data }) => String(data).startsWith("two")), "nobody hears himself");
  t.strictSame(other.got, []);
});

t.test("bytes are a copy of their own, also when they change in the same go", async (t) => {
  const server = randomUUID();
  const [one, two] = [open(t, server), open(t, server)];
  const pooled = Buffer.from("hello");
  one.channel.send({ topic: "b", data: pooled, compress: true });
  pooled.fill(0);
  one.channel.send({ topic: "s", data: new Uint8Array(new SharedArrayBuffer(3)), compress: false });
  await until("both", () => two.got.length === 2);
  const [first, second] = two.got;
  t.match(first, { topic: "b", compress: true });
  const bytes = first!.data as Uint8Array;
  t.equal(Buffer.from(bytes).toString(), "hello");
  t.equal(bytes.buffer.byteLength, 5, "not the pool that the view was of");
  t.ok((second!.data as Uint8Array).buffer instanceof ArrayBuffer);
});

t.test("what was sent before the close arrives, what comes after it is dropped", async (t) => {
  const server = randomUUID();
  const [one, two] = [open(t, server), open(t, server)];
  one.channel.send(text("last words"));
  one.channel.close();
  one.channel.close();
  one.channel.send(text("from beyond"));
  await until("it", () => two.got.length > 0);
  await new Promise((resolve) => setImmediate(resolve));
  t.strictSame(two.got.map(({ data }) => data), ["last words"]);
});

t.test("threads hear each other, and the channel keeps none alive", async (t) => {
  const server = randomUUID();
  const here = open(t, server);
  const file = new URL("../../src/worker/topic-channel.js", import.meta.url).href;
  const worker = new Worker(`
    import(${JSON.stringify(file)}).then(({ TopicChannel }) => {
      const channel = new TopicChannel(${JSON.stringify(server)}, (published) => {
        channel.send({ ...published, data: published.data + " back" });
        clearInterval(held);
      });
      const held = setInterval(() => {}, 1000);
      require("node:worker_threads").parentPort.postMessage("ready");
    });`, { eval: true, execArgv: [], env: {} });
  await once(worker, "message");
  const ended = once(worker, "exit");
  here.channel.send(text("there"));
  t.strictSame(await ended, [0], "without a close");
  await until("the answer", () => here.got.length > 0);
  t.strictSame(here.got, [text("there back")]);
});
