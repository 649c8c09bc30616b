/** Bodies that an app is called with: here at once, or piece by piece. */
import t from "tap";
import { GivenBody } from "../../src/create-fetch/given-body.ts";
import { createFetch } from "../../src/create-fetch.ts";

type Pull = (controller: ReadableStreamDefaultController<Uint8Array>) => void | Promise<void>;

void t.test("what is here at once is whole", async (t) => {
  t.equal(await GivenBody.of(null), null);
  for (const body of ["text", "", new Uint8Array(100_000), new URLSearchParams("a=1")]) {
    const request = new Request("http://localhost/", { method: "POST", body });
    const expected = Buffer.from(await request.clone().arrayBuffer());
    t.same((await GivenBody.of(request.body))?.whole, expected);
  }
});

void t.test("a stream that always has more holds nobody up, and is told of the end", async (t) => {
  let given = 0;
  let isCancelled = false;
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      given++;
      controller.enqueue(new Uint8Array(10));
    },
    cancel: () => void (isCancelled = true),
  });
  const body = await GivenBody.of(endless);
  t.equal(body?.whole, null);
  t.ok(given < 30, `${given} pieces`);
  body?.stop();
  t.equal(isCancelled, true);
});

void t.test("what is not read is not asked for, and what fails fails its reader", async (t) => {
  let given = 0;
  const fetchApp = await createFetch({
    routes: {
      "/unread": async () => {
        for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
        return String(given);
      },
      "/read": async (request) => await request.text(),
    },
  });
  t.teardown(() => fetchApp.close());
  const ask = async (path: string, pull: Pull): Promise<Response> => (
    await fetchApp(path, {
      method: "POST", duplex: "half", body: new ReadableStream({ pull }),
    })
  );
  const held = await ask("/unread", (controller) => {
    given++;
    controller.enqueue(new Uint8Array(16_384));
  });
  t.ok(Number(await held.text()) < 40, "the rest was not asked for");
  const broken = await ask("/read", async (controller) => {
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    controller.error(new Error("cut"));
  });
  t.equal(broken.status, 400);
  t.equal(await broken.text(), "the body was cut short");
});
