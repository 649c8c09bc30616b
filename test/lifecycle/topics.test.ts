/** Topics with real sockets: over all workers, in order, once, whoever publishes. */
import t from "tap";
import { until } from "../support/deadline.ts";
import { startApp } from "../support/server.ts";
import { listen, topicsApp } from "../support/topic-ears.ts";

const turns = async (): Promise<void> => await new Promise((resolve) => setTimeout(resolve, 50));

for (const workers of [0, 1, 2]) {
  t.test(`everybody but the sender hears it once, workers: ${workers}`, async (t) => {
    const { url, server } = await startApp(t, topicsApp(), { workers });
    const ears = await Promise.all(Array.from({ length: 6 }, () => listen(t, url)));
    t.equal(new Set(ears.map(({ worker }) => worker)).size, Math.max(workers, 1));
    t.equal(await server.subscriberCount("t"), 6);
    t.equal(await server.subscriberCount("other"), 0);
    const [own, all] = (await (await fetch(`${url}/count`)).json()) as [number, number];
    t.strictSame([own, all], [workers === 2 ? 3 : 6, 6]);

    const [speaker, ...others] = ears;
    speaker!.say("publish first");
    for (const ear of others) t.strictSame(await ear.hears(1), ["first"]);
    speaker!.say("everybody second");
    speaker!.say("binary third");
    const next = ["second", "binary third"];
    for (const ear of others) t.strictSame((await ear.hears(3)).slice(1), next);
    t.strictSame(await speaker!.hears(1), ["second"]);

    t.equal(await (await fetch(`${url}/publish/${encodeURIComponent("ä")}`)).text(), "2");
    for (const ear of others) t.equal((await ear.hears(4))[3], "ä");
    t.equal(server.publish("t", "from the primary"), 16);
    t.equal(server.publish("t", Buffer.from("bytes"), true), 5);
    const last = ["from the primary", "binary bytes"];
    for (const ear of others) t.strictSame((await ear.hears(6)).slice(4), last);

    others[0]!.say("leave");
    t.equal((await others[0]!.hears(7))[6], "left");
    await others[1]!.end();
    await until("both to be gone", async () => await server.subscriberCount("t") === 4);
    server.publish("t", "end");
    for (const ear of others.slice(2)) t.equal((await ear.hears(7))[6], "end");
    await turns();
    t.strictSame(ears.map(({ heard }) => heard.length), [5, 7, 6, 7, 7, 7], "nothing twice");
    t.throws(() => server.publish("t", 1 as never), { name: "TypeError" });
  });
}

t.test("each worker's messages come in its order, whoever hears them", async (t) => {
  const { url } = await startApp(t, topicsApp(), { workers: 2 });
  const ears = await Promise.all(Array.from({ length: 4 }, () => listen(t, url)));
  const first = ears[0]!;
  const second = ears.find(({ worker }) => worker !== first.worker)!;
  const count = 3000;
  first.say(`burst ${count}`);
  second.say(`burst ${count}`);
  for (const ear of ears) {
    const isSpeaker = ear === first || ear === second;
    const heard = await ear.hears(isSpeaker ? count : 2 * count);
    for (const speaker of [first, second]) {
      if (speaker === ear) continue;
      const name = speaker.worker.replace("worker ", "");
      const numbers = heard.filter((text) => text.startsWith(`${name} `));
      t.strictSame(numbers, Array.from({ length: count }, (_, i) => `${name} ${i}`));
    }
  }
});

t.test("what a socket sends itself and what is published keep their order", async (t) => {
  const { url } = await startApp(t, topicsApp());
  const [ear, other] = [await listen(t, url), await listen(t, url)];
  ear.say("corked x");
  t.strictSame(await ear.hears(3), ["x before", "x for all", "x after"]);
  // While it does not read, most of it waits: in the kernel, in native memory, in the stream.
  ear.socket.pause();
  const [count, bytes] = [3000, 4096];
  ear.say(`mixed ${count} ${bytes}`);
  await other.hears(1 + count);
  ear.socket.resume();
  const heard = (await ear.hears(3 + 2 * count)).slice(3).map((text) => text.trimEnd());
  t.strictSame(heard, Array.from({ length: 2 * count }, (_, i) => (
    `${i >> 1} ${i % 2 === 0 ? "own" : "all"}`
  )));
});

t.test("compressed messages are what they were", async (t) => {
  const { url } = await startApp(t, topicsApp());
  const ears = await Promise.all(Array.from({ length: 3 }, () => listen(t, url)));
  for (let i = 0; i < 5; i++) ears[0]!.say(`compressed ä${i}`);
  const expected = Array.from({ length: 5 }, (_, i) => `ä${i}`.repeat(500));
  for (const ear of ears) t.strictSame(await ear.hears(5), expected);
  t.ok(ears.every(({ socket }) => socket.extensions.includes("permessage-deflate")));
});

t.test("during a reload both generations hear the same", async (t) => {
  const { url, server, connect } = await startApp(t, topicsApp(), { workers: 1 });
  const old = await listen(t, url);
  const pause = await connect(); // a request in hand keeps the old worker from ending its sockets
  pause.write("GET /pause HTTP/1.1\r\nHost: a\r\n\r\n");
  await until("the request", () => server.stats().workers[0]!.inFlight > 0);
  await server.reload();
  const young = await listen(t, url);
  t.not(young.worker, old.worker);
  t.equal(await server.subscriberCount("t"), 2);
  old.say("publish from the old");
  t.strictSame(await young.hears(1), ["from the old"]);
  young.say("publish from the young");
  t.strictSame(await old.hears(1), ["from the young"]);
  server.publish("t", "from the primary");
  t.equal((await old.hears(2))[1], "from the primary");
  t.equal((await young.hears(2))[1], "from the primary");
  pause.close();
  await until("the end of the old one", async () => await server.subscriberCount("t") === 1);
  young.say("everybody alone");
  t.equal((await young.hears(3))[2], "alone");
  t.equal(young.heard.length, 3);
});
