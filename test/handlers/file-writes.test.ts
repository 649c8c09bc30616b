/** Tests of PUT and DELETE, through a server. */
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import t from "tap";
import { until } from "../support/deadline.ts";
import { cleanEnv, foreignEnv } from "../support/environment.ts";
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
  for (const path of ["in", "in/"]) {
    const answer = await fetch(`${url}/w/${path}`, { method: "PUT", body: "b" });
    t.strictSame([answer.status, answer.headers.get("allow")], [405, "GET, HEAD"], path);
    await answer.arrayBuffer();
  }
  t.equal(await ask("PUT", "out/a", "b"), 409, "the folder lies elsewhere");
  t.equal(await ask("DELETE", "out/a"), 404);
  t.equal(readFileSync(join(outside, "a"), "utf8"), "outside");
  for (const path of [".env", "a%2f..%2fb", "a%5Cb", "in/%00", "..%2fx"]) {
    t.equal(await ask("PUT", path, "x"), 404, path);
  }
  t.equal(await ask("PUT", "a", "x", { "content-range": "bytes 0-0/3" }), 400);
  for (const coding of ["gzip", "identity, br"]) {
    const coded = await fetch(`${url}/w/a`, {
      method: "PUT", body: "x", headers: { "content-encoding": coding },
    });
    t.strictSame([coded.status, coded.headers.get("accept-encoding")], [415, "identity"], coding);
    await coded.arrayBuffer();
  }
  t.equal(read("a"), "two");
  t.equal(await ask("PUT", "a", "two", { "content-encoding": "Identity" }), 204);
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
  for (const path of ["in", "in/"]) {
    const answer = await fetch(`${url}/w/${path}`, { method: "DELETE" });
    t.strictSame([answer.status, answer.headers.get("allow")], [405, "GET, HEAD"], path);
    await answer.arrayBuffer();
  }
});

t.test("what came meanwhile is not written over", async (t) => {
  const folder = ownFolder(t);
  writeFileSync(join(folder, "a"), "first");
  const { url, connect } = await startApp(t, APP, { env: { FOLDER: folder } });
  const etagOf = async (name: string): Promise<string> =>
    (await fetch(`${url}/w/${name}`, { method: "HEAD" })).headers.get("etag")!;
  const put = async (name: string, body: string): Promise<number> =>
    (await fetch(`${url}/w/${name}`, { method: "PUT", body })).status;
  const begun = (): number => readdirSync(folder).filter((name) => name.startsWith(".")).length;
  for (const [name, condition, status] of [
    ["a", `If-Match: ${await etagOf("a")}`, 204],
    ["new", "If-None-Match: *", 201],
  ] as const) {
    const client = await connect();
    const fields = `Host: a\r\n${condition}\r\nContent-Length: 6`;
    client.write(`PUT /w/${name} HTTP/1.1\r\n${fields}\r\n\r\nsec`);
    await until("the body to be taken", () => begun() === 1);
    t.equal(await put(name, "between"), status);
    client.write("ond");
    t.equal((await client.response()).status, 412, condition);
    t.equal(readFileSync(join(folder, name), "utf8"), "between");
    t.equal(begun(), 0);
  }
  const etag = await etagOf("a");
  for (const method of ["PUT", "DELETE"]) {
    const body = method === "PUT" ? { body: "x" } : {};
    const answer = await fetch(`${url}/w/a`, {
      method, headers: { "if-none-match": `"x", ${etag}` }, ...body,
    });
    t.equal(answer.status, 412, method);
  }
  t.equal(await put("a", "third"), 204);
});

t.test("a folder that is removed while the body comes is missing", async (t) => {
  const folder = ownFolder(t);
  const { connect } = await startApp(t, APP, { env: { FOLDER: folder } });
  for (const condition of ["X: y", "If-None-Match: *"]) {
    mkdirSync(join(folder, "in"));
    const client = await connect();
    const fields = `Host: a\r\n${condition}\r\nContent-Length: 6`;
    client.write(`PUT /w/in/a HTTP/1.1\r\n${fields}\r\n\r\nsec`);
    await until("the body to be taken", () => readdirSync(join(folder, "in")).length === 1);
    rmSync(join(folder, "in"), { recursive: true });
    client.write("ond");
    t.equal((await client.response()).status, 409, condition);
    t.strictSame(readdirSync(folder), []);
  }
});

/** A disk of its own for a process, which is small. */
const MOUNTED = ["-m", "/bin/sh", "-c", `mount -t tmpfs -o size=64k none "$0" && exec "$@"`];
const mount = spawnSync("unshare", [...MOUNTED, "/mnt", "true"], { env: foreignEnv() });

t.test("a full disk is a 507, and what was begun is removed",
  { skip: mount.status !== 0 && "unshare may not mount a disk" }, async (t) => {
    const folder = ownFolder(t);
    const disk = join(folder, "disk");
    mkdirSync(disk);
    writeFileSync(join(folder, "script.mjs"), `
      import { readdirSync } from "node:fs";
      import { files } from ${JSON.stringify(MODULE)};
      const handler = files("disk", { write: true });
      const put = async (length) => {
        const body = new Uint8Array(length);
        const request = new Request("http://a/a", { method: "PUT", body });
        const { status } = await handler(request, { params: {} }).catch((error) => error);
        return status + " " + readdirSync("disk").join();
      };
      process.stdout.write([await put(100_000), await put(1000)].join("; "));`);
    const args = [...MOUNTED, disk, process.execPath, "script.mjs"];
    const env = cleanEnv();
    t.equal(execFileSync("unshare", args, { cwd: folder, encoding: "utf8", env }),
      "507 ; 201 a");
  });

t.test("a file that nobody can read is there all the same", async (t) => {
  const folder = ownFolder(t);
  execFileSync("mkfifo", [join(folder, "fifo")], { env: foreignEnv() });
  const { url } = await startApp(t, APP, { env: { FOLDER: folder } });
  const put = async (path: string, headers: Record<string, string> = {}): Promise<number> =>
    (await fetch(`${url}/w/${path}`, { method: "PUT", body: "x", headers })).status;
  for (const headers of [
    { "if-none-match": "*" }, { "if-none-match": '"x"' }, { "if-match": '"x"' },
    { "if-unmodified-since": new Date().toUTCString() },
  ]) t.equal(await put("fifo", headers), 412, JSON.stringify(headers));
  t.equal(await put("fifo/a"), 409, "it is no folder, and its writer is not waited for");
  t.ok(statSync(join(folder, "fifo")).isFIFO());
  t.equal(await put("fifo", { "if-match": "*" }), 204);
  t.ok(statSync(join(folder, "fifo")).isFile());
});

t.test("the mode stays; what is too long or a folder is refused at once", async (t) => {
  const folder = ownFolder(t);
  const { url, connect } = await startApp(t, APP, { env: { FOLDER: folder } });
  const put = async (path: string): Promise<Response> =>
    await fetch(`${url}/w/${path}`, { method: "PUT", body: "x" });
  for (const mode of [0o600, 0o646, 0o4755]) {
    writeFileSync(join(folder, "a"), "a");
    chmodSync(join(folder, "a"), mode);
    t.equal((await put("a")).status, 204);
    t.equal(statSync(join(folder, "a")).mode & 0o7777, mode & 0o777);
  }
  const refusal = await put("");
  t.equal(refusal.status, 405);
  t.equal(refusal.headers.get("allow"), "GET, HEAD");
  const client = await connect();
  const head = "PUT /w/a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n";
  client.write(`${head}Content-Length: 100001\r\n\r\n`);
  t.equal((await client.response()).status, 413, "not 100");
  t.equal(readFileSync(join(folder, "a"), "utf8"), "x");
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
