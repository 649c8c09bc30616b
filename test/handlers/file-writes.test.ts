/** Tests of PUT and DELETE, through a server. */
import {
  existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync,
} from "node:fs";
import { join } from "node:path";
import t from "tap";
import { until } from "../support/deadline.ts";
import { ownFolder } from "../support/folder.ts";
import { startApp } from "../support/server.ts";

const MODULE = new URL("../../src/handlers/files.js", import.meta.url).href;
const APP = `import { files } from ${JSON.stringify(MODULE)};
  const root = process.env.FOLDER;
  export default { routes: {
    "/w/*": files(root, { write: true, writeBytesMax: 100_000 }),
    "/r/*": files(root),
  } };`;

t.test("files are written whole, or not at all", async (t) => {
  const folder = ownFolder(t);
  const outside = ownFolder(t);
  mkdirSync(join(folder, "in"));
  symlinkSync(outside, join(folder, "out"));
  writeFileSync(join(outside, "a"), "outside");
  const { url, connect } = await startApp(t, APP, { env: { FOLDER: folder } });
  const ask = async (
    method: string, path: string, body?: string, headers: Record<string, string> = {},
  ): Promise<number> => {
    const sent = { method, headers, ...(body !== undefined && { body }) };
    const answer = await fetch(`${url}/w/${path}`, sent);
    await answer.arrayBuffer();
    return answer.status;
  };
  const read = (path: string): string => readFileSync(join(folder, path), "utf8");
  t.equal(await ask("PUT", "a", "one"), 201);
  t.equal(await ask("GET", "a"), 200);
  t.equal(await ask("PUT", "a", "two"), 204);
  t.equal(read("a"), "two");
  t.equal(await (await fetch(`${url}/w/a`)).text(), "two", "it is not read from what was kept");
  t.equal(await ask("PUT", "in/b", "b"), 201);
  t.equal(await ask("PUT", "none/b", "b"), 409);
  t.equal(await ask("PUT", "in", "b"), 409);
  t.equal(await ask("PUT", "in/", "b"), 405);
  t.equal(await ask("PUT", "out/a", "b"), 409, "the folder lies elsewhere");
  t.equal(await ask("DELETE", "out/a"), 404);
  t.equal(readFileSync(join(outside, "a"), "utf8"), "outside");
  for (const path of [".env", "a%2f..%2fb", "a%5Cb", "in/%00", "..%2fx"]) {
    t.equal(await ask("PUT", path, "x"), 404, path);
  }
  t.equal(await ask("PUT", "a", "x", { "content-range": "bytes 0-0/3" }), 400);
  t.equal(await ask("PUT", "a", "x", { "if-none-match": "*" }), 412);
  t.equal(await ask("PUT", "a", "x", { "if-match": '"x"' }), 412);
  t.equal(await ask("PUT", "new", "x", { "if-match": "*" }), 412);
  t.equal(await ask("PUT", "a", "x".repeat(100_001)), 413);
  const client = await connect();
  client.write("PUT /w/a HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\nbegun");
  const hasBegun = (): boolean => readdirSync(folder).some((name) => name.startsWith("."));
  await until("the body to be taken", hasBegun);
  client.socket.destroy();
  const names = (): string[] => readdirSync(folder).toSorted();
  await until("what was begun to be removed", () => names().join() === "a,in,out");
  t.equal(read("a"), "two");
  t.equal(await ask("DELETE", "a"), 204);
  t.notOk(existsSync(join(folder, "a")));
  t.equal(await ask("DELETE", "a"), 404);
  t.equal(await ask("DELETE", "in"), 409);
});

t.test("without the option nothing is", async (t) => {
  const folder = ownFolder(t);
  writeFileSync(join(folder, "a"), "a");
  const { url } = await startApp(t, APP, { env: { FOLDER: folder } });
  for (const method of ["PUT", "DELETE", "POST"]) {
    const answer = await fetch(`${url}/r/a`, { method });
    t.equal(answer.status, 405);
    t.equal(answer.headers.get("allow"), "GET, HEAD");
  }
  t.ok(existsSync(join(folder, "a")));
});
