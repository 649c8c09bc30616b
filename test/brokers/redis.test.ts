/** Tests of the broker on Redis, with a real one that is started, killed, frozen and restarted. */
import t from "tap";
import type { Test } from "tap";
import { redisBroker, type RedisBrokerOptions } from "../../src/brokers/redis.ts";
import type { Log } from "../../src/shared/app.ts";
import type { Broker } from "../../src/shared/broker.ts";
import { until } from "../support/deadline.ts";
import { skipRedisless, TestRedis } from "../support/redis.ts";

interface Opened {
  readonly broker: Broker;
  readonly got: string[];
  readonly lines: string[];
}

function open(t: Test, redis: TestRedis, options: RedisBrokerOptions = {}): Opened {
  const got: string[] = [];
  const lines: string[] = [];
  const line = (...args: unknown[]): number => lines.push(String(args.at(-1)));
  const log = { error: line, info: line } as unknown as Log;
  const broker = redisBroker({ url: redis.path, reconnectDelayMaxMs: 100, ...options });
  void broker.open({
    log,
    deliver: (topic, message) => got.push(`${topic}: ${Buffer.from(message).toString()}`),
  });
  t.teardown(() => broker.close());
  return { broker, got, lines };
}

async function startRedis(t: Test): Promise<TestRedis> {
  const redis = new TestRedis(t);
  await redis.start();
  return redis;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const publish = async ({ broker }: Opened, topic: string, message: Uint8Array): Promise<void> =>
  await broker.publish(topic, message);
const subscribers = async (redis: TestRedis, topic: string): Promise<number> =>
  Number(/:(\d+)\r\n$/.exec(await redis.ask("PUBSUB", "NUMSUB", `millrace:${topic}`))?.[1]);

t.test("messages reach those that have subscribed, in order", skipRedisless, async (t) => {
  const redis = await startRedis(t);
  const [one, two] = [open(t, redis), open(t, redis)];
  void two.broker.subscribe("a");
  void two.broker.subscribe("ä b");
  await until("the subscription", async () => await subscribers(redis, "ä b") === 1);
  for (let i = 0; i < 100; i++) void one.broker.publish("a", bytes(String(i)));
  await publish(one, "c", bytes("nobody"));
  await publish(one, "ä b", bytes("end"));
  await until("the end", () => two.got.length === 101);
  t.strictSame(two.got, [...Array.from({ length: 100 }, (_, i) => `a: ${i}`), "ä b: end"]);
  t.strictSame(one.got, []);
  await two.broker.unsubscribe("a");
  t.equal(await subscribers(redis, "a"), 0);
  t.strictSame(one.lines.concat(two.lines), [], "a log without anything to say");
});

t.test("after a restart it is subscribed again, and what waited goes out in order", {
  ...skipRedisless,
}, async (t) => {
  const redis = await startRedis(t);
  const [one, two] = [open(t, redis), open(t, redis)];
  void two.broker.subscribe("a");
  void two.broker.subscribe("gone");
  await until("the subscription", async () => await subscribers(redis, "gone") === 1);
  await publish(one, "a", bytes("before"));
  await until("it", () => two.got.length === 1);
  await redis.kill();
  await until("both to know", () => one.lines.length === 2 && two.lines.length === 2);
  const waiting = Array.from({ length: 10 }, (_, i) => publish(one, "b", bytes(`${i}`)));
  void two.broker.subscribe("b");
  void two.broker.unsubscribe("gone");
  await redis.start();
  await Promise.all(waiting);
  await until("topics that were asked for meanwhile", async () => (
    await subscribers(redis, "b") === 1 && await subscribers(redis, "a") === 1
  ));
  t.equal(await subscribers(redis, "gone"), 0);
  await publish(one, "a", bytes("after"));
  await until("what comes after", () => two.got.includes("a: after"));
  const late = two.got.filter((each) => each.startsWith("b: "));
  t.strictSame(late, late.toSorted(), "each at most once, in order: who came late has missed some");
  t.equal(new Set(late).size, late.length);
  t.equal(one.lines.length, 4, "a line when each of both went, and one when it was there again");
});

t.test("a server starts before its Redis, and what it has published arrives", {
  ...skipRedisless,
}, async (t) => {
  const redis = new TestRedis(t);
  const one = open(t, redis);
  const early = publish(one, "a", bytes("early"));
  await until("the log", () => one.lines.length === 2);
  await redis.start();
  await early;
  t.match(one.lines.at(-1), /there again/);
});

t.test("what waits is bounded: beyond it messages are lost, and it is said", {
  ...skipRedisless,
}, async (t) => {
  const redis = new TestRedis(t);
  const one = open(t, redis, { waitingBytesMax: 100 });
  const fits = publish(one, "a", new Uint8Array(60));
  await t.rejects(publish(one, "a", new Uint8Array(41)), /waitingBytesMax/);
  const fitsToo = publish(one, "a", new Uint8Array(40));
  await redis.start();
  await Promise.all([fits, fitsToo]);
  await publish(one, "a", new Uint8Array(100));
  t.pass("what has gone out is not counted any more");
});

t.test("what Redis does not confirm is bounded, too, and a silent one is given up", {
  ...skipRedisless,
}, async (t) => {
  const redis = await startRedis(t);
  const options = { waitingBytesMax: 100, silenceMs: 100, connection: { disconnectTimeout: 50 } };
  const one = open(t, redis, options);
  const two = open(t, redis);
  void two.broker.subscribe("a");
  await until("the subscription", async () => await subscribers(redis, "a") === 1);
  await publish(one, "a", bytes("hello"));
  redis.freeze();
  const unknown = publish(one, "a", new Uint8Array(100));
  await t.rejects(publish(one, "a", bytes("more")), /waitingBytesMax/);
  await t.rejects(unknown, "nobody knows whether it has arrived: it is not sent again");
  redis.thaw();
  await publish(one, "a", bytes("again"));
  await until("it", () => two.got.includes("a: again"));
  t.ok(two.got.length <= 3, "the unconfirmed one at most once");
});

t.test("a close lets go what was published, and leaves no connection", {
  ...skipRedisless,
}, async (t) => {
  const redis = await startRedis(t);
  const [one, two] = [open(t, redis), open(t, redis)];
  void two.broker.subscribe("a");
  await until("the subscription", async () => await subscribers(redis, "a") === 1);
  await publish(one, "a", bytes("0"));
  for (let i = 1; i <= 50; i++) void one.broker.publish("a", bytes(String(i)));
  await one.broker.close();
  await until("all", () => two.got.length === 51);
  await two.broker.close();
  await until("their end", async () => /\r\nconnected_clients:1\r\n/.test(await redis.ask("INFO")));
  const never = open(t, new TestRedis(t));
  const waits = publish(never, "a", bytes("x"));
  await Promise.all([t.rejects(waits, /closed before/), never.broker.close()]);
});
