/** Bodies of answers: made as they are read, given up when nobody reads, cut when they fail. */
import { gunzipSync } from "node:zlib";
import t from "tap";
import { createFetch } from "../../src/create-fetch.ts";

void t.test("a producer is a little ahead of its reader, and ends with it", async (t) => {
  let made = 0;
  let ended = 0;
  let signal: AbortSignal | undefined;
  async function* endless(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        made++;
        yield new Uint8Array(1024);
      }
    } finally {
      ended++;
    }
  }
  const fetchApp = await createFetch((request) => {
    ({ signal } = request);
    return new Response(endless() as never);
  }, { outputBytesMax: 4096 });
  t.teardown(() => fetchApp.close());
  const reader = (await fetchApp("/")).body!.getReader();
  await reader.read();
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  t.ok(made <= 8, `${made} pieces`);
  t.equal(signal?.aborted, false);
  await reader.cancel();
  t.equal(signal?.aborted, true);
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(ended, 1);
});

void t.test("a body that fails later is cut, and one that is too short", async (t) => {
  const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  const failed: unknown[] = [];
  const fetchApp = await createFetch({
    routes: {
      "/late": () => new Response((async function* () {
        yield "begun";
        await later(5);
        throw new Error("late");
      })() as never),
      "/short": () => new Response((async function* () {
        await later(5);
        yield "abc";
      })() as never, { headers: { "content-length": "5" } }),
      "/error": () => Response.error(),
    },
    error: (error) => void failed.push((error as Error).message),
  }, { logLevel: "silent" });
  t.teardown(() => fetchApp.close());
  for (const path of ["/late", "/short"]) {
    const answer = await fetchApp(path);
    t.equal(answer.status, 200);
    await t.rejects(answer.text(), TypeError);
  }
  t.same(failed, ["late", "the body is shorter than its Content-Length: 3 of 5 bytes"]);
  await t.rejects(fetchApp("/error"), TypeError);
});

void t.test("a reply knows that its reader has gone", async (t) => {
  const written: boolean[] = [];
  let done!: () => void;
  const isDone = new Promise<void>((resolve) => (done = resolve));
  const fetchApp = await createFetch(async (_request, context) => {
    const reply = context.reply();
    await reply.flush();
    while (!reply.isGone) written.push(await reply.write(new Uint8Array(65_536)));
    done();
  });
  t.teardown(() => fetchApp.close());
  const reader = (await fetchApp("/")).body!.getReader();
  await reader.read();
  await reader.cancel();
  await isDone;
  t.equal(written.at(-1), false);
});

void t.test("what is compressed comes as it would be sent", async (t) => {
  const fetchApp = await createFetch(() => new Response("z".repeat(5000)), { compression: true });
  t.teardown(() => fetchApp.close());
  const answer = await fetchApp("/", { headers: { "accept-encoding": "gzip" } });
  t.equal(answer.headers.get("content-encoding"), "gzip");
  t.equal(gunzipSync(await answer.arrayBuffer()).length, 5000);
});
