/** Tests of the topics of a worker; with real sockets: lifecycle/topics.test.ts. */
import { randomUUID } from "node:crypto";
import t from "tap";
import type { Test } from "tap";
import type { Log } from "../../src/shared/app.ts";
import type { PublishedData } from "../../src/shared/published.ts";
import { type Subscriber, Topics } from "../../src/worker/topics.ts";
import { RingSocket } from "../../src/worker/upgraded-socket.ts";
import { until } from "../support/deadline.ts";
import { RingSide, type SeenReply } from "../support/ring-side.ts";

const ENDPOINT = { address: "192.0.2.1", family: "IPv4" } as const;

class Listener implements Subscriber {
  readonly topics: Set<string> = new Set();
  readonly stream: RingSocket;
  readonly sent: [PublishedData, boolean][] = [];
  kind = 0;
  readonly #side: RingSide;
  readonly #slot: number;
  readonly #replies: SeenReply[];

  constructor({ side, replies }: Worker, slot: number) {
    this.#side = side;
    this.#replies = replies;
    this.#slot = slot;
    this.stream = new RingSocket({
      rings: side.rings,
      slot,
      generation: 1,
      outputBytesMax: 1000,
      remote: ENDPOINT,
      local: ENDPOINT,
      setOption: () => {},
    });
  }

  frameKind(): number {
    return this.kind;
  }

  sendPublished(data: PublishedData, compress: boolean): void {
    this.sent.push([data, compress]);
  }

  get frames(): string {
    this.#replies.push(...this.#side.take());
    return RingSide.sent(this.#replies, this.#slot);
  }
}

interface Worker {
  readonly topics: Topics;
  readonly side: RingSide;
  readonly replies: SeenReply[];
}

function open(t: Test, server: string): Worker {
  const topics = new Topics(server, {} as Log);
  t.teardown(() => topics.close());
  return { topics, side: new RingSide(), replies: [] };
}

t.test("each gets the frame that it can read, or the message in its own order", async (t) => {
  const worker = open(t, randomUUID());
  const { topics } = worker;
  const all = Array.from({ length: 60 }, (_, slot) => new Listener(worker, slot));
  for (const each of all) topics.subscribe(each, "news");
  for (const each of all.slice(0, 10)) each.kind = 15;
  for (const each of all.slice(10, 15)) each.kind = -1;
  all[20]!.stream.cork();
  worker.side.setUnsent(21, 2000);
  t.equal(topics.publish("news", "x".repeat(50), true), 50);
  const waits = all.filter(({ sent }) => sent.length > 0);
  t.strictSame(waits, [...all.slice(10, 15), all[20], all[21]]);
  t.strictSame(waits[0]!.sent, [["x".repeat(50), true]]);
  for (const [at, ear] of all.entries()) {
    if (waits.includes(ear)) t.equal(ear.frames, "");
    else if (at < 10) t.match(ear.frames, /^\xc1.[^]{3,30}$/);
    else t.equal(ear.frames, `\x81\x32${"x".repeat(50)}`);
  }
  t.equal(topics.count("news"), 60);
  topics.unsubscribe(all[0]!, "news");
  topics.leave(all[1]!);
  t.equal(topics.count("news"), 58);
  t.equal(topics.publish("nobody", "€", false), 3);
  t.equal(topics.publish("news", "!", false), 1);
  t.ok(all[59]!.frames.endsWith("\x81\x01!"));
  t.notOk(all[0]!.frames.endsWith("\x81\x01!"));
});

t.test("all workers but the sender hear it, once", async (t) => {
  const server = randomUUID();
  const workers = [open(t, server), open(t, server), open(t, server)];
  const ears = workers.map((worker) => {
    const pair = [new Listener(worker, 1), new Listener(worker, 2)] as const;
    for (const each of pair) worker.topics.subscribe(each, "a");
    return pair;
  });
  const [[speaker]] = ears as [readonly [Listener, Listener]];
  workers[0]!.topics.publish("a", "one", false, speaker);
  workers[0]!.topics.publish("a", Buffer.from("two"), false);
  await until("the last", () => ears[2]![1].frames.length >= 10);
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(speaker.frames, "\x82\x03two");
  for (const each of ears.flat().slice(1)) t.equal(each.frames, "\x81\x03one\x82\x03two");
});

t.test("what the primary publishes stays in the worker that it was told to", async (t) => {
  const server = randomUUID();
  const [one, two] = [open(t, server), open(t, server)];
  const ears = [one, two].map((worker) => {
    const ear = new Listener(worker, 1);
    worker.topics.subscribe(ear, "a");
    return ear;
  });
  one.topics.publishHere({ topic: "a", data: "once", compress: false }, true);
  two.topics.publish("a", "after", false);
  await until("the other", () => ears[0]!.frames.length >= 13);
  t.equal(ears[0]!.frames, "\x81\x04once\x81\x05after");
  t.equal(ears[1]!.frames, "\x81\x05after");
});

t.test("what is no message throws and reaches nobody", async (t) => {
  const worker = open(t, randomUUID());
  const { topics } = worker;
  const ear = new Listener(worker, 1);
  topics.subscribe(ear, "a");
  t.throws(() => topics.publish("a", 1, false), { name: "TypeError" });
  t.throws(() => topics.publish(1 as never, "a", false), { name: "TypeError" });
  t.equal(ear.frames, "");
});
