/** Responses that are not ours. */
import { Readable } from "node:stream";
import t from "tap";
import { toForeignParts } from "../../src/worker/foreign.ts";
import { StandardHeaders, StandardResponse } from "../../src/worker/standard.ts";

t.test("the runtime's Response", async (t) => {
  const init = { status: 201, statusText: "Yes", headers: { "content-encoding": "gzip" } };
  const parts = toForeignParts(new StandardResponse("a", init))!;
  t.match(parts, { status: 201, statusText: "Yes", bodyUsed: false, contentType: -1 });
  t.ok(parts.body instanceof ReadableStream);
  t.equal(parts.headers!.get("content-type"), "text/plain;charset=UTF-8");
  t.equal(parts.headers!.get("content-encoding"), "gzip", "made by the app: it knows");
  t.equal(toForeignParts(StandardResponse.error())!.status, 0);
  const used = new StandardResponse("a");
  await used.text();
  t.equal(toForeignParts(used)!.bodyUsed, true);
  const locked = new StandardResponse("a");
  locked.body!.getReader();
  t.equal(toForeignParts(locked)!.bodyUsed, true);
});

t.test("whatever walks like one", async (t) => {
  const headers = new StandardHeaders({ a: "1" });
  const readable = Readable.from(["a"]);
  for (const body of [null, undefined, "a", new Uint8Array(1), new Blob(["a"]), readable]) {
    t.ok(toForeignParts({ status: 200, headers, body }));
  }
  t.equal(toForeignParts({ status: 200, headers })!.headers!.get("a"), "1");
});

t.test("what does not", async (t) => {
  const headers = new StandardHeaders();
  const others = [
    {}, [], new Map(), { status: 200 }, { status: "200", headers }, { status: 99, headers },
    { status: 200, headers: {} }, { status: 200, headers: null }, { status: 200, headers, body: 7 },
  ];
  for (const other of others) t.equal(toForeignParts(other), null);
});
