/** What a handler enters with `AsyncLocalStorage.enterWith` is its own. */
import t from "tap";
import { startApp } from "../support/server.ts";
import type { TestServer } from "../support/server.ts";

const SOURCE = `
  import { AsyncLocalStorage } from "node:async_hooks";
  const storage = new AsyncLocalStorage();
  const store = () => storage.getStore() ?? "none";
  async function* seen() { yield store(); await null; yield store(); }
  export default {
    routes: {
      "/enter/:value": (request) => {
        storage.enterWith(request.params.value);
        return new Response(store());
      },
      "/enter-bare": () => { storage.enterWith("bare"); return new Response(store()); },
      "/enter-async/:value": async (request) => {
        storage.enterWith(request.params.value);
        await new Promise((resolve) => setTimeout(resolve, 2));
        return new Response(store());
      },
      "/run/:value": (request) => storage.run(request.params.value, async () => {
        await request.text();
        return new Response(store());
      }),
      "/store": (request) => (request.url, new Response(store())),
      "/store-bare": () => new Response(store()),
      "/store-async": async () => { await null; return new Response(store()); },
      "/stream": () => new Response(seen()),
      "/fail": (request) => { throw new Error(request.url); },
    },
    error: () => new Response(store()),
    fetch: () => new Response(store()),
  };
`;

const ask = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`;
const LOOK = ["/store", "/store-bare", "/store-async", "/stream", "/fail", "/none"];

async function batch({ connect }: TestServer, paths: string[]): Promise<string[]> {
  const client = await connect();
  client.write(paths.map(ask).join(""));
  const found = [];
  while (found.length < paths.length) found.push((await client.response()).body);
  client.close();
  return found;
}

const nothing = LOOK.map((path) => (path === "/stream" ? "nonenone" : "none"));

for (const first of ["/enter/a", "/enter-bare", "/enter-async/a"]) {
  const name = first === "/enter-bare" ? "bare" : "a";
  t.test(`first use by ${first}: not seen in its batch nor in later ones`, async (t) => {
    const server = await startApp(t, SOURCE);
    t.strictSame(await batch(server, LOOK), nothing);
    t.strictSame(await batch(server, [first, ...LOOK]), [name, ...nothing]);
    t.strictSame(await batch(server, [...LOOK, first, ...LOOK]), [...nothing, name, ...nothing]);
    t.strictSame(await batch(server, LOOK), nothing);
  });
}

t.test("many at once keep their own", async (t) => {
  const server = await startApp(t, SOURCE);
  const paths = Array.from({ length: 40 }, (_, i) =>
    [`/enter/s${i}`, `/enter-async/s${i}`, `/run/s${i}`, "/store"][i % 4]!);
  const wanted = paths.map((path, i) => (path === "/store" ? "none" : `s${i}`));
  for (let round = 0; round < 5; round++) {
    const all = await Promise.all([1, 2, 3].map(() => batch(server, paths)));
    for (const found of all) t.strictSame(found, wanted);
  }
});
