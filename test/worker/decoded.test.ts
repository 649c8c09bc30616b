/** What is dropped from decoded answers of fetch. */
import t from "tap";
import {
  dropHopByHop,
  dropStale,
  dropStaleOfAnswer,
  isDecodedCoding,
  noteFetched,
} from "../../src/worker/decoded.ts";
import { LightHeaders } from "../../src/worker/headers.ts";
import { StandardResponse } from "../../src/worker/standard.ts";

const FIELDS = { "content-encoding": "gzip", "content-length": "9", connection: "close", a: "1" };
const fetched = (body: string | null = "x", headers: object = FIELDS): Response =>
  noteFetched(new StandardResponse(body, { headers: headers as Record<string, string> }));
const names = (headers: Headers): string[] => [...headers.keys()];

t.test("codings", async (t) => {
  for (const coding of ["gzip", " GZIP ", "br", "deflate", "x-gzip"]) t.ok(isDecodedCoding(coding));
  for (const coding of ["identity", "compress", "", "gzip2"]) t.notOk(isDecodedCoding(coding));
});

t.test("hop-by-hop fields, and those that Connection names", async (t) => {
  const headers = new LightHeaders({
    connection: "close, X-One,, bad name", "x-one": "1", te: "x", upgrade: "y", b: "2",
  });
  dropHopByHop(headers);
  t.strictSame(names(headers), ["b"]);
});

t.test("fields are dropped wherever a part of a fetched answer is used", async (t) => {
  const answer = fetched();
  const drop = (body: unknown, init: object | undefined): string[] => {
    const headers = new LightHeaders(FIELDS);
    dropStale(headers, body, init);
    return names(headers);
  };
  t.strictSame(drop(answer.body, undefined), ["a"]);
  t.strictSame(drop("text", answer), ["a"]);
  t.strictSame(drop("text", { headers: answer.headers }), ["a"]);
  const all = ["a", "connection", "content-encoding", "content-length"];
  t.strictSame(drop("text", { headers: FIELDS }), all, "an app's own fields stay");
  t.strictSame(drop("text", new StandardResponse("x", { headers: FIELDS })), all);
});

t.test("a body that was not decoded keeps its description", async (t) => {
  const plain = { "content-length": "9", connection: "close", "content-encoding": "compress" };
  const answer = fetched("x", plain);
  const headers = new LightHeaders(plain);
  dropStale(headers, answer.body, answer);
  t.strictSame(names(headers), ["content-encoding", "content-length"]);
  dropStale(headers, "another body", answer);
  t.strictSame(names(headers), ["content-encoding"], "the length is that of the other body");
});

t.test("an answer without a body, as to HEAD, keeps its description", async (t) => {
  const answer = fetched(null);
  const headers = new LightHeaders(FIELDS);
  dropStale(headers, null, answer);
  t.ok(headers.has("content-encoding"));
  dropStaleOfAnswer(headers, false);
  t.strictSame(names(headers), ["a", "content-encoding", "content-length"]);
  dropStaleOfAnswer(headers, true);
  t.strictSame(names(headers), ["a"]);
});
