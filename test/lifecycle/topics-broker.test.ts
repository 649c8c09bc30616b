/** A broker that cannot be opened, and what its failures do to a worker: nothing but that. */
import t from "tap";
import { startApp } from "../support/server.ts";
import { listen, topicsApp } from "../support/topic-ears.ts";

const broker = (members: string): string => `{ broker: {
  open() {}, publish() {}, subscribe() {}, unsubscribe() {}, close() {}, ${members} } }`;

for (const workers of [0, 1]) {
  t.test(`without its broker an app does not start, workers: ${workers}`, async (t) => {
    const app = topicsApp(broker(`async open() { throw new Error("no such place"); }`));
    const error = { code: "ERR_MILLRACE_BROKER", message: /no such place/ };
    await t.rejects(startApp(t, app, { workers }), error);
  });

  t.test(`one that always fails keeps nobody from hearing, workers: ${workers}`, async (t) => {
    const fails = `() { throw new Error("never"); }`;
    const names = ["publish", "subscribe", "unsubscribe", "close"];
    const app = topicsApp(broker(names.map((name) => name + fails).join(", ")));
    const { url, server } = await startApp(t, app, { workers });
    const ears = [await listen(t, url), await listen(t, url)];
    ears[0]!.say("everybody hello");
    server.publish("t", "from the primary");
    for (const ear of ears) {
      t.strictSame((await ear.hears(2)).toSorted(), ["from the primary", "hello"]);
    }
    await ears[0]!.end();
    await server.close();
  });
}

t.test("what is published in the close of the app reaches the broker before its own", async (t) => {
  const app = topicsApp(`{
    broker: { said: [], open() {}, subscribe() {}, unsubscribe() {},
      publish(topic) { this.said.push(topic); },
      close() { process.emit("millrace-test-said", this.said); } },
    close() { worker.server.publish("farewell", "x"); } }`);
  const said = new Promise((resolve) => process.once("millrace-test-said" as never, resolve));
  const { server } = await startApp(t, app, { workers: 0 });
  await server.close();
  t.strictSame(await said, ["farewell"]);
});
