/** Tests of the topics of a worker; what sockets make of them is in web-socket-topics.test.ts. */
import { randomUUID } from "node:crypto";
import t from "tap";
import type { Test } from "tap";
import type { Log } from "../../src/shared/app.ts";
import type { PublishedData } from "../../src/shared/published.ts";
import { type SharedStream, type Subscriber, Topics } from "../../src/worker/topics.ts";
import { until } from "../support/deadline.ts";

/** A stream that keeps what it gets, and shows whether the bytes were those of the others. */
class Kept implements SharedStream {
  readonly pieces: Uint8Array[] = [];
  runs = 0;
  isBusy = false;
  writes = 0;

  sendShared(bytes: Uint8Array): boolean {
    if (!this.isBusy) this.pieces.push(bytes);
    return !this.isBusy;
  }

  endShared(): void {
    this.runs++;
  }

  write(bytes: Uint8Array): void {
    this.writes++;
    this.pieces.push(bytes);
  }

  get length(): number {
    return this.pieces.reduce((sum, { length }) => sum + length, 0);
  }
}

class Listener implements Subscriber {
  readonly topics: Set<string> = new Set();
  readonly stream: Kept = new Kept();
  readonly sent: [PublishedData, boolean][] = [];
  kind = 0;

  frameKind(): number {
    return this.kind;
  }

  sendPublished(data: PublishedData, compress: boolean): void {
    this.sent.push([data, compress]);
  }

  get frames(): string {
    return Buffer.concat(this.stream.pieces).toString("latin1");
  }
}

function open(t: Test, server: string): Topics {
  const topics = new Topics(server, {} as Log);
  t.teardown(() => topics.close());
  return topics;
}

t.test("one frame per message and way of framing, whatever the number of sockets", async (t) => {
  const topics = open(t, randomUUID());
  const all = Array.from({ length: 100 }, () => new Listener());
  for (const each of all) topics.subscribe(each, "news");
  for (const each of all.slice(0, 10)) each.kind = 15;
  for (const each of all.slice(10, 15)) each.kind = -1;
  t.equal(topics.publish("news", "x".repeat(50), true), 50);
  all[20]!.stream.isBusy = true;
  const frames = (from: number, to: number): Set<Uint8Array> =>
    new Set(all.slice(from, to).flatMap(({ stream }) => stream.pieces));
  t.equal(frames(15, 100).size, 1, "the very same bytes");
  t.equal(frames(0, 10).size, 1);
  t.equal(all.reduce((sum, { stream }) => sum + stream.runs, 0), 2, "each run is ended, once");
  t.strictSame(all[12]!.sent, [["x".repeat(50), true]]);
  t.equal(all[99]!.frames, `\x81\x32${"x".repeat(50)}`);
  t.match(all[0]!.frames, /^\xc1/);
  t.equal(all[12]!.frames, "", "it keeps its own order");
  t.equal(topics.count("news"), 100);
  topics.unsubscribe(all[0]!, "news");
  topics.leave(all[1]!);
  t.equal(topics.count("news"), 98);
  t.equal(topics.publish("nobody", "€", false), 3);
  t.equal(topics.publish("news", "!", false), 1);
  t.equal(all[20]!.stream.writes, 1, "what can only wait is written as ever");
  t.ok(all[20]!.frames.endsWith("\x81\x01!"));
});

t.test("all workers but the sender hear it, once", async (t) => {
  const server = randomUUID();
  const workers = [open(t, server), open(t, server), open(t, server)];
  const ears = workers.map((topics) => {
    const pair = [new Listener(), new Listener()] as const;
    for (const each of pair) topics.subscribe(each, "a");
    return pair;
  });
  const [[speaker]] = ears as [readonly [Listener, Listener]];
  workers[0]!.publish("a", "one", false, speaker);
  workers[0]!.publish("a", Buffer.from("two"), false);
  await until("the last", () => ears[2]![1].stream.length >= 10);
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(speaker.frames, "\x82\x03two");
  for (const each of ears.flat().slice(1)) t.equal(each.frames, "\x81\x03one\x82\x03two");
});

t.test("what the primary publishes stays in the worker that it was told to", async (t) => {
  const server = randomUUID();
  const [one, two] = [open(t, server), open(t, server)];
  const ears = [one, two].map((topics) => {
    const ear = new Listener();
    topics.subscribe(ear, "a");
    return ear;
  });
  one.publishHere({ topic: "a", data: "once", compress: false }, true);
  two.publish("a", "after", false);
  await until("the other", () => ears[0]!.stream.length >= 13);
  t.equal(ears[0]!.frames, "\x81\x04once\x81\x05after");
  t.equal(ears[1]!.frames, "\x81\x05after");
});

t.test("what is no message throws and reaches nobody", async (t) => {
  const topics = open(t, randomUUID());
  const ear = new Listener();
  topics.subscribe(ear, "a");
  t.throws(() => topics.publish("a", 1, false), { name: "TypeError" });
  t.throws(() => topics.publish(1 as never, "a", false), { name: "TypeError" });
  t.equal(ear.frames, "");
});
