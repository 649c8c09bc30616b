/** Tests of the registry of handlers by path. */
import t from "tap";
import type { Handler } from "../../src/shared/app.ts";
import { NameSpace } from "../../src/handlers/name-space.ts";
import { until } from "../support/deadline.ts";
import { startApp } from "../support/server.ts";

const NAME_SPACE = new URL("../../src/handlers/name-space.js", import.meta.url).href;

const answer = (): Response => new Response("x");

t.test("objects are put in, found and taken out by path, however it is escaped", async (t) => {
  const names = new NameSpace();
  const object = { handle: answer };
  t.ok(names.insert("/b%C3%BCcher/1", object));
  t.equal(names.get("/b\u00fccher/1"), object);
  t.equal(names.get("/b%c3%bccher/%31"), object);
  t.notOk(names.insert("/b\u00fccher/1", answer), "there is one");
  t.ok(names.insert("/b%C3%BCcher", answer), "a path above it is another");
  t.ok(names.insert("/b%C3%BCcher/1/", answer), "as is one below");
  t.equal(names.get("/b%C3%BCcher%2F1"), undefined, "an escaped slash parts nothing");
  t.equal(names.size, 3);
  t.ok(names.delete("/b%c3%bccher/1"));
  t.notOk(names.delete("/b%c3%bccher/1"));
  t.equal(names.get("/b\u00fccher/1"), undefined);
  t.equal(names.get("/__proto__"), undefined);
});

t.test("what is no path, and no handler", async (t) => {
  const names = new NameSpace();
  for (const path of ["", "a", "/%zz", "/a%00b", "/%ff"]) {
    t.equal(names.get(path), undefined);
    t.notOk(names.delete(path));
    t.throws(() => names.insert(path, answer), TypeError, path);
  }
  const unreached = [
    "/o/../x", "/..", "/o/.", "/%2E%2e/x", "/o/.%2e", "/o/q?x", "/o#x", "/o\\x", "/o\n",
  ];
  for (const path of unreached) t.throws(() => names.insert(path, answer), /is no path of/, path);
  for (const path of ["/...", "/.well-known/x", "/a..", "/%3Fx", "/a%2F..", "//x"]) {
    t.ok(names.insert(path, answer), path);
  }
  for (const object of [null, {}, "name", { handle: 1 }]) {
    t.throws(() => names.insert("/a", object as unknown as Handler), TypeError);
  }
  const later = { handle: answer, match: async () => false };
  t.throws(() => names.insert("/a", later as unknown as Handler), { message: /match is async/ });
  const endless = { handle: answer, close: 5 } as unknown as Handler;
  t.throws(() => names.insert("/a", endless), { message: /at \/a close is no function/ });
});

t.test("rules for bodies and times are those of all its objects", async (t) => {
  const names = new NameSpace();
  for (const [name, value] of Object.entries({
    bodyBytesMax: 1, bodyStreamBytesMax: 0, decodeBodies: true, buffered: false,
    handlerTimeoutMs: 1, bodyTimeoutMs: 1, writeTimeoutMs: 1,
  })) {
    const object = { handle: answer, [name]: value };
    const message = new RegExp(`at /a ${name} would not count`);
    t.throws(() => names.insert("/a", object), { name: "TypeError", message });
  }
  t.equal(names.size, 0);
  t.ok(names.insert("/a", { handle: answer, bodyBytesMax: undefined } as unknown as Handler));
  const { url } = await startApp(t, `
    import { NameSpace } from ${JSON.stringify(NAME_SPACE)};
    const names = Object.assign(new NameSpace(), { bodyBytesMax: 3 });
    names.insert("/a", { handle: async (request) => new Response(await request.text()) });
    export default { routes: { "/*": names } };
  `);
  const statusOf = async (body: string): Promise<number> =>
    (await fetch(`${url}/a`, { method: "POST", body })).status;
  t.strictSame([await statusOf("abc"), await statusOf("abcd")], [200, 413]);
});

t.test("all that are left are closed, once each, also if one fails", async (t) => {
  const names = new NameSpace();
  const closed: string[] = [];
  const failing = { handle: answer, close: () => Promise.reject(new Error("mine")) };
  const twice = { handle: answer, close: () => void closed.push("twice") };
  names.insert("/a", failing);
  names.insert("/b", twice);
  names.insert("/c", twice);
  names.insert("/d", answer);
  await t.rejects(names.close(), { message: "mine" });
  t.same(closed, ["twice"]);
  t.equal(names.size, 0);
  names.insert("/b", twice);
  await names.close();
  t.same(closed, ["twice", "twice"], "what is put in again is closed again");
});

const APP = `
  import { NameSpace } from ${JSON.stringify(NAME_SPACE)};
  const names = new NameSpace();
  let release = null;
  names.insert("/objects/slow", {
    async handle() {
      await new Promise((resolve) => (release = resolve));
      return new Response("slow");
    },
  });
  names.insert("/objects/post", {
    match: (request) => request.method === "POST",
    async handle(request) { return new Response(await request.text()); },
  });
  export default {
    routes: {
      "/objects/*": names,
      "/put/:name": (request) => {
        names.insert("/objects/" + request.params.name, () => new Response(request.params.name));
        return new Response("put");
      },
      "/take/:name": async (request) => {
        const wasThere = names.delete("/objects/" + request.params.name);
        return new Response(String(wasThere));
      },
      "/is-running": () => new Response(String(release !== null)),
      "/release": () => { release(); return new Response("released"); },
    },
    fetch: () => new Response("nothing there", { status: 404 }),
  };
`;

t.test("over a connection, while requests run", async (t) => {
  const { url } = await startApp(t, APP);
  const ask = async (path: string, init: RequestInit = {}): Promise<string> =>
    await (await fetch(url + path, init)).text();
  t.equal(await ask("/objects/new"), "nothing there");
  t.equal(await ask("/put/new"), "put");
  t.equal(await ask("/objects/n%65w"), "new");
  const running = ask("/objects/slow");
  await until("it runs", async () => await ask("/is-running") === "true");
  t.equal(await ask("/take/slow"), "true");
  t.equal(await ask("/objects/slow"), "nothing there");
  t.equal(await ask("/release"), "released");
  t.equal(await running, "slow", "what runs goes on");
  t.equal(await ask("/objects/post"), "nothing there", "its match says no");
  t.equal(await ask("/objects/post", { method: "POST", body: "y" }), "y");
});
