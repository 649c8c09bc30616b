/** Tests of newline-delimited JSON. */
import t from "tap";
import { ndjson } from "../../src/handlers/ndjson.ts";

t.test("a line for each value, of any iterable", async (t) => {
  async function* values(): AsyncGenerator {
    yield { a: 1 };
    yield "text\nof two lines";
    yield null;
  }
  const answer = ndjson(values());
  t.equal(answer.headers.get("content-type"), "application/x-ndjson");
  t.equal(await answer.text(), '{"a":1}\n"text\\nof two lines"\nnull\n');
  const other = ndjson([1, 2], { status: 206, headers: { "content-type": "application/jsonl" } });
  t.equal(other.status, 206);
  t.equal(other.headers.get("content-type"), "application/jsonl");
  t.equal(await other.text(), "1\n2\n");
  t.equal(await ndjson([]).text(), "");
});

t.test("what is no source and no option is a TypeError at once", (t) => {
  for (const source of [undefined, null, 5, {}]) {
    t.throws(() => ndjson(source as never), new TypeError("ndjson: the source is not iterable"));
  }
  t.throws(() => ndjson([], { statuss: 206 } as object), {
    name: "TypeError", message: 'ndjson: no option "statuss", did you mean status?',
  });
  t.end();
});

t.test("what JSON does not have cuts the answer behind the lines before it", async (t) => {
  for (const value of [undefined, () => 1, 1n]) {
    const reader = ndjson([1, value]).body!.getReader() as ReadableStreamDefaultReader<Uint8Array>;
    t.equal(Buffer.from((await reader.read()).value!).toString(), "1\n");
    await t.rejects(reader.read(), TypeError);
  }
});
