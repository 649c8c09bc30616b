/** Tests of what an open file answers: preconditions and ranges (RFC 9110 13 and 14). */
import { utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { FileAnswers } from "../../src/handlers/file-answers.ts";
import { OpenFile } from "../../src/worker/open-file.ts";
import { ownFolder, type Owner } from "../support/folder.ts";

const TEXT = "0123456789";

function answers(t: Owner, inMemoryBytesMax: number): FileAnswers {
  const path = join(ownFolder(t), "a.txt");
  writeFileSync(path, TEXT);
  utimesSync(path, 1_600_000_000, 1_600_000_000);
  const headers = { vary: "X", "content-encoding": "br", "cache-control": "max-age=9" };
  return new FileAnswers(OpenFile.open(path), "text/plain", headers, inMemoryBytesMax);
}

for (const inMemoryBytesMax of [0, 100]) {
  t.test(`with at most ${inMemoryBytesMax} bytes in memory`, async (t) => {
    const made = answers(t, inMemoryBytesMax);
    const ask = (headers: Record<string, string> = {}, method: string = "GET"): Response =>
      made.to({ method, headers: new Headers(headers) });

    const whole = ask();
    t.equal(await whole.clone().text(), TEXT);
    t.match(Object.fromEntries(whole.headers), {
      etag: made.etag, vary: "X", "accept-ranges": "bytes", "content-type": "text/plain",
      "last-modified": "Sun, 13 Sep 2020 12:26:40 GMT",
    });
    for (const given of [ask(), ask({ "if-none-match": made.etag })]) {
      given.headers.append("set-cookie", "sid=mine");
      await given.text();
    }
    t.equal(await ask().text(), TEXT, "each is the asker's own");
    t.notOk(ask().headers.has("set-cookie"));
    t.notOk(ask({ "if-none-match": made.etag }).headers.has("set-cookie"));

    const status = (headers: Record<string, string>): number => ask(headers).status;
    t.equal(status({ "if-none-match": made.etag }), 304);
    t.equal(status({ "if-none-match": `"x", W/${made.etag}` }), 304);
    t.equal(status({ "if-none-match": "*" }), 304);
    t.equal(status({ "if-none-match": '"x"' }), 200);
    t.equal(status({ "if-none-match": '"x"', "if-modified-since": made.modified }), 200);
    t.equal(status({ "if-modified-since": made.modified }), 304);
    t.equal(status({ "if-modified-since": "Sun, 13 Sep 2020 12:26:39 GMT" }), 200);
    t.equal(status({ "if-modified-since": "nonsense" }), 200);
    t.equal(status({ "if-match": made.etag }), 200);
    t.equal(status({ "if-match": "*" }), 200);
    t.equal(status({ "if-match": `W/${made.etag}` }), 412);
    t.equal(status({ "if-unmodified-since": "Sun, 13 Sep 2020 12:26:39 GMT" }), 412);
    t.equal(status({ "if-unmodified-since": made.modified }), 200);

    const part = async (range: string, more: Record<string, string> = {}): Promise<unknown[]> => {
      const answer = ask({ range, ...more });
      return [answer.status, answer.headers.get("content-range"), await answer.clone().text()];
    };
    t.strictSame(await part("bytes=2-4"), [206, "bytes 2-4/10", "234"]);
    t.strictSame(await part("bytes=-3"), [206, "bytes 7-9/10", "789"]);
    t.strictSame(await part("bytes=-30"), [206, "bytes 0-9/10", TEXT]);
    t.strictSame(await part("bytes=8-"), [206, "bytes 8-9/10", "89"]);
    t.strictSame(await part("bytes=8-99999999999999999999"), [206, "bytes 8-9/10", "89"]);
    t.strictSame(await part("bytes=10-"), [416, "bytes */10", ""]);
    t.strictSame(await part("bytes=-0"), [416, "bytes */10", ""]);
    t.strictSame(await part("bytes=1-2,2-5"), [206, "bytes 1-5/10", "12345"], "put together");
    for (const wrong of ["bytes=a-b", "lines=1-2", "bytes", "bytes=", "bytes=--1"]) {
      t.strictSame(await part(wrong), [200, null, TEXT], wrong);
    }
    const many = Array.from({ length: 40 }, (_, i) => `${i * 2}-${i * 2}`);
    t.equal((await part(`bytes=${many.slice(0, 5).join()}`))[0], 206);
    const [etag, date] = [made.etag, made.modified];
    t.equal((await part("bytes=0-1", { "if-range": etag }))[0], 206);
    t.equal((await part("bytes=0-1", { "if-range": date }))[0], 206);
    t.equal((await part("bytes=0-1", { "if-range": '"x"' }))[0], 200);
    t.equal((await part("bytes=0-1", { "if-range": `W/${etag}` }))[0], 200);
    t.equal(ask({ range: "bytes=0-1" }, "HEAD").status, 200);

    const several = ask({ range: "bytes=0-1,5-6" });
    const boundary = several.headers.get("content-type")!.split("boundary=")[1]!;
    const body = await several.text();
    t.equal(Buffer.byteLength(body), Number(several.headers.get("content-length")));
    const head = (range: string): string =>
      `\r\n--${boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes ${range}/10\r\n\r\n`;
    t.equal(body, `${head("0-1")}01${head("5-6")}56\r\n--${boundary}--\r\n`);
  });
}

t.test("what an answer without the file says of it", async (t) => {
  const made = answers(t, 100);
  const ask = (headers: Record<string, string> = {}): Response =>
    made.to({ method: "GET", headers: new Headers(headers) });
  const fieldsOf = (headers: Record<string, string>): Record<string, string> =>
    Object.fromEntries(ask(headers).headers);
  const few = { vary: "X", "accept-ranges": "bytes" };
  t.strictSame(fieldsOf({ "if-match": '"x"' }), few);
  t.strictSame(fieldsOf({ range: "bytes=10-" }), { ...few, "content-range": "bytes */10" });
  t.strictSame(fieldsOf({ "if-none-match": made.etag }), {
    ...few, etag: made.etag, "last-modified": made.modified, "cache-control": "max-age=9",
  }, "no coding of no body");
  t.equal(ask().headers.get("content-encoding"), "br");
  const toWrite = (headers: Record<string, string>): number | undefined =>
    made.writePreconditionFailed(new Headers(headers))?.status;
  t.equal(toWrite({}), undefined);
  t.equal(toWrite({ "if-none-match": '"x", "y"' }), undefined);
  for (const tags of ["*", made.etag, `"x", W/${made.etag}`]) {
    t.equal(toWrite({ "if-none-match": tags }), 412);
  }
  t.equal(toWrite({ "if-match": '"x"' }), 412);
});
