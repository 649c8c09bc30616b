/** Replies of handlers that run within `context.next()`. */
import t from "tap";
import { until } from "../support/deadline.ts";
import { repositoryFile } from "../support/environment.ts";
import { startServer } from "../support/server.ts";

const app = repositoryFile("test/fixtures/reply-app.mjs");

t.test("who called next() has the reply as a Response", async (t) => {
  const { url, connect } = await startServer(t, { app });
  const whole = await fetch(`${url}/next/whole`);
  t.match([whole.status, whole.headers.get("x-wrapped"), await whole.text()], [202, "1", "whole"]);
  const long = await fetch(`${url}/next/long`);
  t.equal(long.headers.get("x-wrapped"), "1");
  t.equal((await long.text()).length, 1 << 20, "its writer waits for who reads it");
  const error = await fetch(`${url}/next/error`);
  t.match([error.status, error.headers.get("x-wrapped"), await error.text()],
    [418, null, "a teapot"]);

  const again = await fetch(`${url}/next/again`);
  t.match([again.status, again.headers.get("x-wrapped"), await again.text()],
    [202, "1", "one two three"], "it may ask for its writer as often as it likes");
  const own = await fetch(`${url}/own/again`);
  t.match([own.status, await own.text()], [203, "[one two three]"], "and so may its caller then");

  const client = await connect();
  client.write("GET /next/throws HTTP/1.1\r\nHost: a.test\r\n\r\n");
  t.match(await client.readToEnd(), /begun\r\n$/, "cut");
  void fetch(`${url}/next/raw`).catch(() => {});
  await until("the refusal", async () => {
    const told = await (await fetch(`${url}/-/notes`)).json() as unknown[];
    return told.includes("ERR_MILLRACE_REPLY_ORDER");
  });
});

t.test("both may write at the same time, each its own", async (t) => {
  const { url } = await startServer(t, { app });
  const notes = notesOf(url);
  const beside = await fetch(`${url}/beside/again`);
  t.match([beside.status, await beside.text()], [200, "outer, one two three"]);

  const instead = await fetch(`${url}/instead/told`);
  t.match([instead.status, await instead.text()], [503, "the outer one"]);
  t.same(await notes("gone"), [false, false, "gone true"], "the inner one is told");

  const both = await fetch(`${url}/both/told`);
  t.equal(both.status, 500);
  t.match((await notes("gone")).join(), /returned a Response and has taken context.reply/);
});

t.test("a writer hears that nobody reads what it writes", async (t) => {
  const { url } = await startServer(t, { app });
  const notes = notesOf(url);
  t.equal(await (await fetch(`${url}/dropped/told`)).text(), "in place of 200");
  t.same(await notes("gone"), [false, false, "gone true"]);

  t.equal(await (await fetch(`${url}/background/told`)).text(), "without it");
  t.notOk((await notes("onetwo")).includes(false), "one that is read in the background");

  t.equal(await (await fetch(`${url}/later/told`)).text(), "without it");
  t.same((await notes("gone true")).slice(-3), [false, false, "gone true"]);
  await fetch(`${url}/-/go`);
  t.match(await notes("over"), [/the request was over before its answer was read/],
    "who begins to read it then has an error, not a part of it");
});

const GONE = ["end", "write", "flush", "close", "error", "redirect", "later", "stream"];

t.test("who waits is told when the client went before there was a head", async (t) => {
  const { url, connect } = await startServer(t, { app });
  const notes = notesOf(url);
  for (const path of [...GONE, "taken", "throw"]) {
    const end = path === "throw" ? "over thrown behind it" : "over error";
    const client = await connect();
    client.write(`GET /gone/${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`);
    await notes("waits");
    client.reset();
    const before = await notes("left");
    await fetch(`${url}/-/go`);
    if (!before.includes(end)) await notes(end);
    t.pass(path);
  }
});

t.test("and when the handler's clock was first", async (t) => {
  const { url } = await startServer(t, { app, handlerTimeoutMs: 100 });
  const notes = notesOf(url);
  for (const path of GONE) {
    t.equal((await fetch(`${url}/gone/${path}`)).status, 503);
    const before = await notes("waits");
    await fetch(`${url}/-/go`);
    if (!before.includes("over error")) await notes("over error");
  }
});

t.test("so has a wrapper of the toolbox", async (t) => {
  const { url } = await startServer(t, { app });
  const answer = await fetch(`${url}/wrapped`);
  t.match([answer.headers.get("x-own"), answer.headers.get("x-content-type-options")],
    ["1", "nosniff"]);
  t.equal((await answer.text()).length, 1 << 20);
});

/** What the app has noted up to one that has `last` in it, without what becomes of the answers. */
function notesOf(url: string): (last: string) => Promise<unknown[]> {
  return async (last) => {
    const all: unknown[] = [];
    await until(`a note of "${last}"`, async () => {
      const some = await (await fetch(`${url}/-/notes`)).json() as unknown[];
      all.push(...some.filter((each) => !String(each).startsWith("done: ")));
      return all.some((each) => String(each).includes(last));
    });
    return all;
  };
}
