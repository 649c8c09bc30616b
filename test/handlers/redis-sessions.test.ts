/** Tests of sessions in a real Redis. */
import { once } from "node:events";
import { connect, createServer } from "node:net";
import t from "tap";
import { type RedisSessions, redisSessions } from "../../src/handlers/redis-sessions.ts";
import type { SessionTable } from "../../src/handlers/session-store.ts";
import type { ServerControl } from "../../src/shared/app.ts";
import { until } from "../support/deadline.ts";
import { skipRedisless, TestRedis } from "../support/redis.ts";

const WRITE = { value: "v", owner: "", idleMs: 60_000, lifetimeMs: 60_000, version: 0 };

function tableOf(store: RedisSessions): SessionTable {
  return store.open({} as ServerControl);
}

t.test("sessions of two servers in one Redis", skipRedisless, async (t) => {
  const redis = new TestRedis(t);
  await redis.start();
  const stores = [1, 2].map(() => redisSessions({ url: redis.path, perUserMax: 2 }));
  t.teardown(() => stores.forEach((store) => store.close()));
  const [one, two] = stores.map((store) => tableOf(store)) as [SessionTable, SessionTable];
  t.equal(await one.read("a", 1000), null);
  t.equal(await one.write({ ...WRITE, key: "a" }), "written");
  t.equal(await two.write({ ...WRITE, key: "a" }), "conflict");
  t.strictSame(await two.read("a", 60_000), { value: "v", owner: "", version: 1 });
  const results = await Promise.all([one, two].map((table, at) => (
    table.write({ ...WRITE, key: "a", version: 1, value: `by ${at}` })
  )));
  t.strictSame(results.toSorted(), ["conflict", "written"], "each version is written once");
  t.equal(await two.write({ ...WRITE, key: "b", owner: "o", replacesKey: "a" }), "written");
  t.equal(await one.read("a", 1000), null);
  t.equal(await one.write({ ...WRITE, key: "a", version: 2 }), "gone");
  await one.write({ ...WRITE, key: "c", owner: "o" });
  t.equal((await one.read("b", 60_000))?.owner, "o");
  await one.delete("c");
  t.equal(await two.read("c", 1000), null);
  for (const key of ["d", "e"]) await one.write({ ...WRITE, key, owner: "p" });
  t.equal(await two.deleteOwned("p", "e"), 1);
  t.strictSame([await one.read("d", 1000), (await one.read("e", 1000))?.owner], [null, "p"]);
  for (const key of ["f", "g", "h"]) await two.write({ ...WRITE, key, owner: "p" });
  const left = await Promise.all(["e", "f", "g", "h"].map((key) => one.read(key, 60_000)));
  t.equal(left.filter((record) => record !== null).length, 2, "perUserMax");
  await one.write({ ...WRITE, key: "short", idleMs: 20 });
  await until("it to expire", async () => {
    await new Promise((resolve) => setTimeout(resolve, 30));
    return (await two.read("short", 20)) === null;
  });
  await one.write({ ...WRITE, key: "ends", lifetimeMs: 20 });
  await until("its end", async () => (await two.read("ends", 60_000)) === null);
});

t.test("a short session does not hide an owner's longer ones", skipRedisless, async (t) => {
  const redis = new TestRedis(t);
  await redis.start();
  const store = redisSessions({ url: redis.path });
  t.teardown(() => store.close());
  const table = tableOf(store);
  await table.write({ ...WRITE, key: "long", owner: "o" });
  await table.write({ ...WRITE, key: "short", owner: "o", lifetimeMs: 20 });
  await until("the short one to end", async () => (await table.read("short", 60_000)) === null);
  await new Promise((resolve) => setTimeout(resolve, 30));
  t.equal(await table.deleteOwned("o"), 1);
  t.equal(await table.read("long", 60_000), null);

  await table.write({ ...WRITE, key: "short", owner: "p", lifetimeMs: 1000 });
  await table.write({ ...WRITE, key: "long", owner: "p" });
  const left = Number((await redis.ask("PTTL", "millrace:session:of:p")).slice(1));
  t.ok(left > 50_000 && left <= 60_000, "and they are remembered no longer than they may live");
});

t.test("a write whose answer was lost is done once, and is written", skipRedisless, async (t) => {
  const redis = new TestRedis(t);
  await redis.start();
  let lost = "none";
  const url = `${redis.path}.relay`;
  const relay = createServer((socket) => {
    const upstream = connect(redis.path);
    socket.on("data", (piece: Buffer) => {
      const isLast = piece.includes(lost);
      if (isLast) lost = "none";
      upstream.write(piece);
      if (isLast) upstream.removeAllListeners("data").once("data", () => socket.destroy());
    });
    upstream.on("data", (piece: Buffer) => socket.write(piece));
    for (const [one, other] of [[socket, upstream], [upstream, socket]] as const) {
      one.on("error", () => {});
      one.on("close", () => other.destroy());
    }
  }).listen(url);
  t.teardown(() => relay.close());
  await once(relay, "listening");
  const store = redisSessions({ url });
  t.teardown(() => store.close());
  const table = tableOf(store);
  await table.write({ ...WRITE, key: "visitor" });
  const login = { ...WRITE, key: "login", owner: "o" };
  lost = "login";
  t.equal(await table.write({ ...login, replacesKey: "visitor" }), "written");
  t.equal(lost, "none", "the answer was lost");
  t.equal(await table.read("visitor", 1000), null);
  lost = "changed";
  t.equal(await table.write({ ...login, value: "changed", version: 1 }), "written");
  t.equal(lost, "none");
  t.strictSame(await table.read("login", 1000), { value: "changed", owner: "o", version: 2 });
  const another = { ...login, value: "changed", version: 1 };
  t.equal(await table.write(another), "conflict", "another call with the same");
});

t.test("without a Redis a request fails soon", async (t) => {
  const store = redisSessions({ url: "/nowhere/redis.sock", timeoutMs: 200 });
  t.teardown(() => store.close());
  const message = "sessions cannot be had just now";
  await t.rejects(tableOf(store).read("a", 1000), { name: "HttpError", message });
  t.throws(() => redisSessions({ perUserMax: 0 }), TypeError);
  t.throws(() => redisSessions({ timeoutMs: 2 ** 31 }), TypeError, "a timer would end at once");
  t.throws(() => redisSessions({ url: 5 } as object), { message: "url is a string" });
  t.throws(() => redisSessions({ perUsersMax: 1 } as object), { message: "mean perUserMax?" });
});
