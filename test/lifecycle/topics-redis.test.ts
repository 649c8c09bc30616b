/** Topics of two servers that a real Redis joins, which is killed and comes back. */
import t from "tap";
import { until } from "../support/deadline.ts";
import { repositoryFile } from "../support/environment.ts";
import { skipRedisless, TestRedis } from "../support/redis.ts";
import { startApp } from "../support/server.ts";
import { listen, topicsApp } from "../support/topic-ears.ts";

const BROKER = `import { redisBroker } from "${repositoryFile("dist/src/brokers/redis.js")}";`;

t.test("all sockets of both servers hear it once, also after Redis was gone", {
  ...skipRedisless,
}, async (t) => {
  const redis = new TestRedis(t);
  await redis.start();
  const url = JSON.stringify(redis.path);
  const broker = `{ broker: redisBroker({ url: ${url}, reconnectDelayMaxMs: 100 }) }`;
  const app = topicsApp(broker, BROKER);
  const [one, two] = [
    await startApp(t, app, { workers: 2 }), await startApp(t, app, { workers: 2 }),
  ];
  const subscribed = async (count: number): Promise<void> => {
    await until("Redis to know", async () => (
      (await redis.ask("PUBSUB", "NUMSUB", "millrace:t")).endsWith(`:${count}\r\n`)
    ));
  };
  const ears = await Promise.all([one, one, two, two].map(({ url }) => listen(t, url)));
  await subscribed(4); // one for each worker
  ears[0]!.say("everybody from a socket");
  one.server.publish("t", "from the primary");
  for (const ear of ears) {
    t.strictSame((await ear.hears(2)).toSorted(), ["from a socket", "from the primary"]);
  }
  await redis.kill();
  ears[0]!.say("everybody at home");
  for (const ear of ears.slice(0, 2)) t.equal((await ear.hears(3))[2], "at home", "without Redis");
  await redis.start();
  await subscribed(4);
  ears[3]!.say("everybody again");
  for (const ear of ears) await until("it", () => ear.heard.includes("again"));
  await ears[3]!.end();
  await subscribed(3); // the last subscriber of its worker has gone
  const counts = ears.map(({ heard }) => heard.filter((text) => text === "again").length);
  t.strictSame(counts, [1, 1, 1, 1]);
  for (const ear of ears) t.equal(new Set(ear.heard).size, ear.heard.length, "nothing twice");
  await Promise.all([one.server.close(), two.server.close()]);
  await until("no connection but the one that asks", async () => (
    /\r\nconnected_clients:1\r\n/.test(await redis.ask("INFO"))
  ));
});
