/** Tests of files as answers on real sockets: what is found, what is not, and how it is said. */
import {
  mkdirSync, realpathSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync,
} from "node:fs";
import { join } from "node:path";
import t from "tap";
import { file, files, type FilesOptions } from "../../src/handlers/files.ts";
import { until } from "../support/deadline.ts";
import { ownFolder, type Owner } from "../support/folder.ts";
import { startApp, type TestServer } from "../support/server.ts";

const MODULE = new URL("../../src/handlers/files.js", import.meta.url).href;
const HEADERS_MODULE = new URL("../../src/handlers/security-headers.js", import.meta.url).href;
const LONG = 3_000_000;

function makeFolder(t: Owner): string {
  const folder = realpathSync(ownFolder(t));
  mkdirSync(join(folder, "sub"));
  mkdirSync(join(folder, "bare"));
  for (const [name, text] of Object.entries({
    "index.html": "<p>root", "a.txt": "text", "a b.json": "{}", "sub/index.html": "<p>sub",
    "bare/x.css": "x", ".env": "SECRET", "unknown.zzz": "z",
  })) writeFileSync(join(folder, name), text);
  writeFileSync(join(folder, "long.bin"), Buffer.alloc(LONG, "0123456789"));
  return folder;
}

async function start(t: Owner, folder: string, options: FilesOptions = {}): Promise<TestServer> {
  const source = `import { files } from ${JSON.stringify(MODULE)};
    const handler = files(process.env.FOLDER, ${JSON.stringify(options)});
    export default {
      routes: { "/s/*": handler },
      fetch: async (request, context) =>
        await handler(request, context, context) ?? new Response("the app's own", { status: 404 }),
    };`;
  return await startApp(t, source, { env: { FOLDER: folder } });
}

t.test("files, their types, folders and their index", async (t) => {
  const { url } = await start(t, makeFolder(t));
  for (const base of [url, `${url}/s`]) {
    const get = async (path: string): Promise<Response> =>
      await fetch(base + path, { redirect: "manual" });
    const text = await get("/a.txt");
    t.equal(await text.text(), "text");
    t.equal(text.headers.get("content-type"), "text/plain; charset=utf-8");
    const json = await get("/a%20b.json");
    t.equal(json.headers.get("content-type"), "application/json; charset=utf-8");
    t.equal((await get("/unknown.zzz")).headers.get("content-type"), "application/octet-stream");
    t.equal(await (await get("/")).text(), "<p>root");
    t.equal(await (await get("/sub/")).text(), "<p>sub");
    const moved = await get("/sub?a=1");
    t.equal(moved.status, 301);
    t.match(await moved.text(), /^Redirecting to \//);
    t.equal(new URL(moved.headers.get("location")!, base).href, `${base}/sub/?a=1`);
    t.equal((await get("/bare/")).status, 404);
    t.equal((await get("/a.txt/")).status, 404);
    const head = await fetch(`${base}/long.bin`, { method: "HEAD" });
    t.equal(head.headers.get("content-length"), String(LONG));
    t.equal(Buffer.from(await (await get("/long.bin")).arrayBuffer()).length, LONG);
  }
  t.equal(await (await fetch(`${url}/none`)).text(), "the app's own", "the handler has declined");
});

t.test("a folder is redirected to the slash of the URL that the client has", async (t) => {
  const source = `import { files } from ${JSON.stringify(MODULE)};
    const handler = files(process.env.FOLDER, { listing: true });
    export default { table: [
      { prefix: "/docs", handler },
      { prefix: "/old", handler: "rewrite:/docs/*" },
      { prefix: "/moved", handler: "rewrite:/docs/bare" },
      { prefix: "/page", handler: "rewrite:/docs/sub/" },
      { handler: "rewrite:/docs/bare" },
    ] };`;
  const { connect } = await startApp(t, source, { env: { FOLDER: makeFolder(t) } });
  const client = await connect();
  const ask = async (path: string): Promise<[number, string | undefined]> => {
    const answer = await client.request(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    return [answer.status, answer.header("location")];
  };
  t.strictSame(await ask("/docs?a=1"), [301, "/docs/?a=1"]);
  t.strictSame(await ask("/docs/sub"), [301, "/docs/sub/"]);
  t.strictSame(await ask("/page/of/an/app"), [200, undefined], "the folder is named as such");
  t.strictSame(await ask("/old/bare?b"), [301, "/old/bare/?b"]);
  t.strictSame(await ask("/moved"), [301, "/moved/"]);
  t.strictSame(await ask("//evil.test"), [301, "/evil.test/"]);
  for (const path of ["/docs/", "/docs/sub/", "/old/", "/old/bare/", "/moved/", "/evil.test/"]) {
    t.strictSame(await ask(path), [200, undefined], path);
  }
  t.match((await client.request("GET /moved/ HTTP/1.1\r\nHost: a\r\n\r\n")).body, /x\.css/);
});

t.test("nothing outside, and no name with a dot", async (t) => {
  const folder = makeFolder(t);
  const outside = ownFolder(t);
  writeFileSync(join(outside, "secret"), "SECRET");
  symlinkSync(join(outside, "secret"), join(folder, "link"));
  symlinkSync(outside, join(folder, "away"));
  symlinkSync("a.txt", join(folder, "near"));
  const { connect } = await start(t, folder, { listing: true });
  const ask = async (path: string): Promise<{ status: number; body: string }> =>
    await (await connect()).request(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
  t.equal((await ask("/near")).body, "text");
  for (const path of [
    "/link", "/away/secret", "/away/", "/away", "/.env", "/s/.env", "/%2eenv", "/sub/..%2f.env",
    "/s/..%2f..%2f..%2fetc%2fpasswd", "/..%5c..%5cetc", "/a.txt%00", "/a.txt%00.html", "//a.txt",
    "/s//etc/passwd", "/%252e%252e/a", "/s/%2e%2e%2f%2e%2e%2fetc/passwd", "/sub/%c0%ae%c0%ae/.env",
  ]) {
    const { status, body } = await ask(path);
    t.ok([400, 404].includes(status), `${path}: ${status}`);
    t.notMatch(body, /SECRET|root:/);
  }
  t.equal((await ask("/s/sub/../../a.txt")).status, 200, "resolved as URLs are, within the folder");
  const list = await ask("/bare/");
  t.match(list.body, /\.\/x\.css/);
  t.notMatch((await ask("/?")).body, /env/);
});

t.test("conditions and ranges, also of what is sent by the kernel", async (t) => {
  const { url } = await start(t, makeFolder(t));
  for (const [path, size] of [["/a.txt", 4], ["/long.bin", LONG]] as const) {
    const whole = await fetch(url + path);
    await whole.arrayBuffer();
    const etag = whole.headers.get("etag")!;
    const same = await fetch(url + path, { headers: { "if-none-match": etag } });
    t.equal(same.status, 304);
    t.equal(same.headers.get("etag"), etag);
    const part = await fetch(url + path, { headers: { range: "bytes=1-2", "if-range": etag } });
    t.equal(part.status, 206);
    t.equal((await part.text()).length, 2);
    t.equal((await fetch(url + path, { headers: { range: `bytes=${size}-` } })).status, 416);
  }
  const several = await fetch(`${url}/long.bin`, {
    headers: { range: "bytes=1-3,1000000-2000000,-2" },
  });
  const body = await several.text();
  t.equal(body.length, Number(several.headers.get("content-length")));
  t.match(body, /bytes 1-3\/3000000\r\n\r\n123\r\n--/);
  t.match(body, /bytes 2999998-2999999\/3000000\r\n\r\n89\r\n--/);
});

t.test("what has changed is seen, and what is kept is bounded", async (t) => {
  const folder = makeFolder(t);
  const { url } = await start(t, folder, { revalidateMs: 50, keptMax: 8 });
  const read = async (path: string): Promise<string> => await (await fetch(url + path)).text();
  t.equal(await read("/a.txt"), "text");
  writeFileSync(join(folder, "new"), "changed");
  renameSync(join(folder, "new"), join(folder, "a.txt"));
  await until("the change to be seen", async () => await read("/a.txt") === "changed");
  rmSync(join(folder, "a.txt"));
  await until("that it has gone", async () => (await fetch(`${url}/a.txt`)).status === 404);
  for (let i = 0; i < 20; i++) writeFileSync(join(folder, `n${i}`), `${i}`);
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 20; i++) t.equal(await read(`/n${i}`), `${i}`);
  }
});

t.test("cache headers by extension, types, variants", async (t) => {
  const folder = makeFolder(t);
  writeFileSync(join(folder, "a.txt.gz"), Buffer.from("H4sIAAAAAAAAAwMAAAAAAAAAAAA=", "base64"));
  const { url, connect } = await start(t, folder, {
    cacheControl: { html: "no-cache", "*": "max-age=60" }, types: { zzz: "text/x-z" },
    precompressed: ["gzip"],
  });
  const field = async (path: string, name: string): Promise<string | null> =>
    (await fetch(url + path)).headers.get(name);
  t.equal(await field("/", "cache-control"), "no-cache");
  t.equal(await field("/unknown.zzz", "cache-control"), "max-age=60");
  t.equal(await field("/unknown.zzz", "content-type"), "text/x-z");
  t.equal(await field("/unknown.zzz", "vary"), null);
  const client = await connect();
  const ask = async (path: string, accepted: string): Promise<string[]> => {
    const answer = await client.request(
      `GET ${path} HTTP/1.1\r\nHost: a\r\nAccept-Encoding: ${accepted}\r\n\r\n`);
    return ["content-encoding", "vary", "content-type"].map((name) => (
      answer.headers.find(([each]) => each.toLowerCase() === name)?.[1] ?? ""
    ));
  };
  const type = "text/plain; charset=utf-8";
  t.strictSame(await ask("/a.txt", "gzip"), ["gzip", "Accept-Encoding", type]);
  t.strictSame(await ask("/a.txt", "br"), ["", "Accept-Encoding", type]);
  t.strictSame(await ask("/a.txt.gz", "gzip"), ["", "", "application/gzip"], "asked for by itself");
});

t.test("methods that files do not take", async (t) => {
  const { url } = await start(t, makeFolder(t));
  t.equal((await fetch(`${url}/a.txt`, { method: "POST" })).status, 405);
  t.equal((await fetch(`${url}/none`, { method: "POST" })).status, 404);
  const options = await fetch(`${url}/a.txt`, { method: "OPTIONS" });
  t.equal(options.status, 204);
  t.equal(options.headers.get("allow"), "GET, HEAD");
});

t.test("wrong options, and Blobs of files", async (t) => {
  t.throws(() => files(".", { indexes: [] } as FilesOptions), TypeError);
  for (const keptMax of [0, 7, 8.5, NaN, Infinity, -1, "9" as never]) {
    t.throws(() => files(".", { keptMax }), new TypeError(
      "files: keptMax is a whole number of at least 8"));
  }
  for (const revalidateMs of [-1, NaN, "9" as never, null as never]) {
    t.throws(() => files(".", { revalidateMs }), new TypeError(
      "files: revalidateMs is a number of milliseconds from 0 on"));
  }
  for (const name of ["inMemoryBytesMax", "writeBytesMax"]) {
    for (const value of [-1, 1.5, NaN, Infinity, "1MB", null]) {
      t.throws(() => files(".", { [name]: value }), new TypeError(
        `files: ${name} is a whole number of at least 0`));
    }
  }
  for (const name of ["write", "listing", "dotFiles"]) {
    for (const value of ["false", "", 0, null]) {
      t.throws(() => files(".", { [name]: value }), new TypeError(
        `files: ${name} is true or false`));
    }
  }
  const wrong: [unknown, string][] = [
    [{ index: "index.html" }, "index is a list of texts"],
    [{ index: [""] }, "a name of index is empty"],
    [{ precompressed: "br" }, "precompressed is true, false or a list of texts"],
    [{ types: "text/x" }, "types is an object whose values are text of a field"],
    [{ types: { txt: 5 } }, "types is an object whose values are text of a field"],
    [{ cacheControl: 5 }, "cacheControl is text of a field, an object of some, or a function"],
    [{ cacheControl: "a\nb" }, "cacheControl is text of a field, an object of some, or a function"],
    [{ cacheControl: { "*": "\0" } },
      "cacheControl is text of a field, an object of some, or a function"],
    [{ cacheControl: async () => "" }, "cacheControl is async, and must say at once what it says"],
  ];
  for (const [options, message] of wrong) {
    t.throws(() => files(".", options as FilesOptions), new TypeError(`files: ${message}`));
  }
  t.throws(() => files(5 as never), new TypeError("files: the root is a path"));
  t.throws(() => files("package.json"), /^files: .*package.json is no folder$/);
  t.doesNotThrow(() => files(".", { index: [], types: {}, precompressed: ["br"] }));
  t.doesNotThrow(() => files(".", {
    keptMax: 8, revalidateMs: 0, inMemoryBytesMax: 0, write: true, writeBytesMax: 0,
  }));
  t.throws(() => files("/none/at/all"), { code: "ENOENT" });
  t.equal(file("x.css").type, "text/css; charset=utf-8");
  t.equal(file("x.css", { type: "a/b" }).type, "a/b");
});

t.test("a handler around files keeps none of them in memory", async (t) => {
  const folder = makeFolder(t);
  const length = 20_000_000;
  truncateSync(join(folder, "long.bin"), length);
  const { url, connect, server } = await startApp(t, `
    import { files } from ${JSON.stringify(MODULE)};
    import { securityHeaders } from ${JSON.stringify(HEADERS_MODULE)};
    export default { routes: {
      "/s/*": securityHeaders({}, files(process.env.FOLDER)),
      "/memory": () => String(process.memoryUsage().arrayBuffers),
    } };`, { env: { FOLDER: folder }, workers: 1 });
  const range = "bytes=0-0,2-";
  const whole = await fetch(`${url}/s/long.bin`, { headers: { range } });
  t.equal(whole.status, 206);
  t.equal(whole.headers.get("x-content-type-options"), "nosniff");
  const given = (await whole.arrayBuffer()).byteLength;
  t.equal(given, Number(whole.headers.get("content-length")));
  const bytesOut = (): number => server.stats().listeners[0]!.bytesOut;
  const before = bytesOut();
  const memory = async (): Promise<number> => Number(await (await fetch(`${url}/memory`)).text());
  const atFirst = await memory();
  for (let i = 0; i < 10; i++) {
    const client = await connect();
    client.socket.pause();
    client.write(`GET /s/long.bin HTTP/1.1\r\nHost: a\r\nRange: ${range}\r\n\r\n`);
  }
  await until("bytes of the file to be sent", () => bytesOut() > before + 10 * 60_000);
  t.ok(await memory() < atFirst + length);
});
