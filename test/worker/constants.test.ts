/** Constant Responses of the runtime as routes. */
import t from "tap";
import { readConstants } from "../../src/worker/constants.ts";
import { isLightResponse, LightResponse, responseParts } from "../../src/worker/response.ts";
import { Router } from "../../src/worker/router.ts";
import { entriesOf } from "../support/routes.ts";
import { StandardResponse } from "../../src/worker/standard.ts";

t.test("the runtime's Responses become ones that the router takes", async (t) => {
  const theirs = new StandardResponse("ok", { status: 201, headers: { a: "1" } });
  const ours = new LightResponse("ours") as unknown as Response;
  const object = { count: 0, handle: (): undefined => undefined };
  const blob = new LightResponse(new Blob(["b"], { type: "x/y" })) as unknown as Response;
  const methods = { GET: theirs, POST: object };
  const routes = { "/a": theirs, "/b": methods, "/c": ours, "/d": object, "/e": blob };
  const read = await readConstants(routes);
  t.doesNotThrow(() => new Router(entriesOf(read)));
  t.equal(read["/c"], ours);
  t.equal(read["/d"], object);
  t.equal((read["/b"] as Record<string, unknown>)["POST"], object);
  for (const response of [read["/a"], (read["/b"] as Record<string, unknown>)["GET"]]) {
    t.ok(isLightResponse(response));
    const light = response as LightResponse;
    t.equal(light.status, 201);
    t.strictSame([...light.headers], [["a", "1"], ["content-type", "text/plain;charset=UTF-8"]]);
    t.ok(responseParts(light).body instanceof Uint8Array);
    t.equal(await light.text(), "ok");
  }
  t.equal((read["/e"] as Response).headers.get("content-type"), "x/y");
  t.equal(theirs.bodyUsed, false, "theirs can be read again, by another server");
  t.ok(isLightResponse((await readConstants(routes))["/a"]));
});

t.test("what cannot be read stays for the router to refuse", async (t) => {
  const used = new StandardResponse("a");
  await used.text();
  const streamed = new LightResponse(new ReadableStream()) as unknown as Response;
  for (const response of [used, streamed]) {
    const read = await readConstants({ "/a": response });
    t.throws(() => new Router(entriesOf(read)), { code: "ERR_MILLRACE_ROUTE_STREAM" });
  }
  const locked = new StandardResponse("a");
  locked.body!.getReader();
  const failing = new StandardResponse(new ReadableStream({
    type: "bytes", pull: (controller) => controller.error(new Error("mine")),
  }));
  for (const response of [locked, failing]) {
    t.equal((await readConstants({ "/a": response }))["/a"], response);
  }
  t.throws(() => new Router(entriesOf({ "/a": 7 as never })));
  t.strictSame(await readConstants(undefined), {});
  t.strictSame(await readConstants({ "/a": 7 as never }), { "/a": 7 });
});

t.test("a stream is none, whether it ends or not, and nobody waits for it", async (t) => {
  const bytes = new TextEncoder().encode("x");
  const streams: Record<string, ReadableStream> = {
    endless: new ReadableStream(),
    ends: new ReadableStream({
      start: (controller) => { controller.enqueue(bytes); controller.close(); },
    }),
    silent: new ReadableStream({ type: "bytes" }),
    flood: new ReadableStream({
      type: "bytes",
      pull: (controller) => controller.enqueue(new Uint8Array(1)),
    }),
  };
  await Promise.all(Object.entries(streams).map(async ([name, stream]) => {
    const response = new StandardResponse(stream);
    const read = await readConstants({ "/a": response, "/b": { GET: response } });
    t.equal(read["/a"], response, name);
    t.throws(() => new Router(entriesOf(read)), {
      code: "ERR_MILLRACE_ROUTE_STREAM", message: /"\/a"/,
    }, name);
    t.equal(response.bodyUsed, false, "it is as it was");
  }));
});

t.test("what the runtime has made of something in memory is read, whatever it was", async (t) => {
  const form = new FormData();
  form.set("a", new Blob(["b"]), "c");
  for (const [body, length] of [
    ["text", 4], ["", 0], [new Uint8Array(1_000_000), 1_000_000], [new ArrayBuffer(3), 3],
    [new Blob(["x".repeat(200_000)]), 200_000], [new URLSearchParams({ a: "b" }), 3],
  ] as const) {
    const { "/a": read } = await readConstants({ "/a": new StandardResponse(body) });
    t.equal((await (read as Response).arrayBuffer()).byteLength, length);
  }
  const { "/a": read } = await readConstants({ "/a": new StandardResponse(form) });
  t.match(await (read as Response).text(), /filename="c"[^]*\r\nb\r\n/);
  t.match((read as Response).headers.get("content-type"), /^multipart\/form-data; boundary=/);
});
