/** The insides of a Response. */
import t from "tap";
import { LightHeaders } from "../../src/worker/headers.ts";
import {
  contentTypeOf,
  makeParts,
  openHeaders,
  ResponseParts,
  settleParts,
  streamOf,
  toUnsignedShort,
  TYPE_IN_HEADERS,
} from "../../src/worker/response-parts.ts";

t.test("parts of an ordinary Response", async (t) => {
  const parts = makeParts("a", { status: 404, headers: { a: "1" } });
  t.match(parts, { status: 404, body: "a", bodyUsed: false, contentType: 1 });
  t.strictSame([...parts.headers!], [["a", "1"]]);
  t.equal(contentTypeOf(parts), "text/plain;charset=UTF-8");
  t.equal(contentTypeOf(makeParts(null, undefined)), null);
  t.equal(contentTypeOf(makeParts("a", { headers: { "Content-Type": "b" } })), "b");
  t.equal(makeParts("a", {}, 2).contentType, 2);
});

t.test("all parts have one shape", async (t) => {
  const keys = Object.keys(new ResponseParts("a", 1));
  for (const parts of [makeParts(null, { status: 204 }), makeParts(new Blob(["a"]), {})]) {
    t.strictSame(Object.keys(parts), keys);
  }
});

t.test("opened headers have the type, and whoever opens them the say", async (t) => {
  const parts = makeParts("a", undefined);
  const headers = openHeaders(parts);
  t.equal(headers.get("content-type"), "text/plain;charset=UTF-8");
  t.equal(parts.contentType, TYPE_IN_HEADERS);
  t.equal(openHeaders(parts), headers);
  headers.delete("content-type");
  t.equal(contentTypeOf(parts), null);
  t.ok(openHeaders(makeParts(null, undefined)) instanceof LightHeaders);
});

t.test("a stream that others hold makes the body used", async (t) => {
  const stream = new ReadableStream();
  const parts = makeParts(stream, undefined);
  t.equal(streamOf(parts), stream);
  t.equal(settleParts(parts).bodyUsed, false);
  stream.getReader();
  t.equal(settleParts(parts).bodyUsed, true);
  t.equal(streamOf(makeParts("a", undefined)), null);
});

t.test("numbers as Web IDL converts them", async (t) => {
  const cases: [unknown, number][] = [
    [200, 200], ["201", 201], [200.9, 200], [-1, 65535], [65536, 0], [NaN, 0],
    [Infinity, 0], [null, 0], [undefined, 0], ["x", 0], [true, 1],
  ];
  for (const [value, expected] of cases) t.equal(toUnsignedShort(value), expected, String(value));
});
