/** Tests of files as Blobs, and as answers on real sockets. */
import {
  readdirSync, readlinkSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import t from "tap";
import { FileBlob } from "../../src/worker/file-blob.ts";
import { OpenFile } from "../../src/worker/open-file.ts";
import { OpenFiles } from "../../src/worker/open-files.ts";
import { LightResponse } from "../../src/worker/response.ts";
import { StandardResponse } from "../../src/worker/standard.ts";
import { until } from "../support/deadline.ts";
import { ownFolder } from "../support/folder.ts";
import { startApp } from "../support/server.ts";

const MODULE = new URL("../../src/worker/file-blob.js", import.meta.url).href;
const LONG = 8_000_000;

const openIn = (folder: string): number => readdirSync("/proc/self/fd", { withFileTypes: true })
  .filter(({ name }) => linkOf(name).startsWith(folder)).length;

function linkOf(descriptor: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return "";
  }
}

t.test("a Blob of a file", async (t) => {
  const path = join(ownFolder(t), "a.json");
  const blob = new FileBlob(path, "application/json");
  t.match(blob, { name: path, size: 0, lastModified: 0, type: "application/json" });
  t.equal(await blob.exists(), false);
  await t.rejects(blob.text(), { code: "ENOENT" });
  writeFileSync(path, '{"a":"ö"}');
  t.equal(await blob.exists(), true);
  t.equal(blob.size, 10);
  t.ok(Math.abs(blob.lastModified - Date.now()) < 60_000);
  t.ok(blob instanceof Blob);
  t.strictSame(await blob.json(), { a: "ö" });
  t.equal(await blob.slice(1, 4).text(), '"a"');
  t.equal(await blob.slice(-2).text(), '"}');
  t.equal(await blob.slice(0, -1).slice(2).text(), 'a":"ö"');
  t.equal(blob.slice(5, 3).size, 0);
  t.equal(await blob.slice(5, 3).text(), "");
  t.equal((await blob.bytes()).length, 10);
  t.equal((await blob.arrayBuffer()).byteLength, 10);
  t.equal(await new Response(blob as unknown as Blob).text(), '{"a":"ö"}');
});

t.test("where the runtime would copy nothing, it is refused", async (t) => {
  const path = join(ownFolder(t), "a");
  writeFileSync(path, "content");
  const blob = new FileBlob(path, "text/x");
  for (const part of [blob, blob.slice(1)]) {
    const refused = { name: "TypeError", message: /await file\(path\)\.bytes\(\)/ };
    t.throws(() => new Blob([part]), refused);
    t.throws(() => new File([part], "a"), refused);
    t.throws(() => new FormData().append("a", part), refused);
    t.throws(() => new FormData().append("a", part, "name"), refused);
    t.throws(() => structuredClone(part), refused);
  }
  t.equal(await new Blob([await blob.bytes()]).text(), "content");
  t.match(inspect(blob), /size: 7/);
  const message = new LightResponse(blob).clone();
  t.equal(await message.text(), "content");
  t.equal(await new StandardResponse(blob).text(), "content");
});

t.test("pinned, its length stays", async (t) => {
  const folder = ownFolder(t);
  const path = join(folder, "a");
  writeFileSync(path, "0123456789");
  const pinned = new FileBlob(path, "").slice(2).pin();
  writeFileSync(path, "01234567890123456789");
  t.equal(pinned.size, 8);
  t.equal(pinned.pin(), pinned);
  t.match(pinned.toSend(), { offset: 2, length: 8 });
  t.throws(() => new FileBlob(join(folder, "none"), "").pin(), { message: "not found" });
  const file = OpenFile.open(path);
  const range = FileBlob.pinned(file, 1, 3);
  file.close();
  t.ok(range.toSend().file.isOpen, "opened again, for it is the same");
  range.toSend().file.close();
  writeFileSync(join(folder, "b"), "another");
  renameSync(join(folder, "b"), path);
  t.throws(() => range.toSend(), { code: "ERR_MILLRACE_FILE_CHANGED" });
});

t.test("pinned, it is read through what is open", async (t) => {
  const folder = ownFolder(t);
  const path = join(folder, "a");
  const inside = Buffer.alloc(200_000, "inside");
  writeFileSync(path, inside);
  const files = new OpenFiles({ max: 1, revalidateMs: 0, root: "" });
  const file = files.find(path) as OpenFile;
  const pinned = FileBlob.pinned(file, 0, inside.length);
  const begun = pinned.stream();
  writeFileSync(join(folder, "secret"), Buffer.alloc(200_000, "secret"));
  rmSync(path);
  symlinkSync(join(folder, "secret"), path);
  t.ok(Buffer.from(await pinned.bytes()).equals(inside));
  t.equal(await pinned.slice(6, 12).text(), "inside");
  files.clear();
  t.notOk(file.isOpen);
  const given = Buffer.from(await new Response(begun).arrayBuffer());
  t.ok(given.equals(inside), "who reads goes on");
  t.equal(openIn(folder), 0, "closed with its last reader");
  await t.rejects(pinned.text(), { code: "ERR_MILLRACE_FILE_CHANGED" });
});

t.test("a reader that gives up, and a file that has been cut", async (t) => {
  const folder = ownFolder(t);
  const path = join(folder, "a");
  writeFileSync(path, Buffer.alloc(200_000, "x"));
  const file = OpenFile.open(path);
  const pinned = FileBlob.pinned(file, 0, 200_000);
  const left = pinned.stream();
  const cut = pinned.stream();
  file.close();
  t.equal(openIn(folder), 1);
  await left.cancel();
  truncateSync(path, 70_000);
  await t.rejects(new Response(cut).arrayBuffer(), { code: "ERR_MILLRACE_FILE_CHANGED" });
  t.equal(openIn(folder), 0);
  t.equal(await FileBlob.pinned(OpenFile.open(path), 5, 5).text(), "");
});

t.test("what no file can be called has no size", async (t) => {
  const path = join(ownFolder(t), "a");
  writeFileSync(path, "a");
  symlinkSync("loop", join(path, "..", "loop"));
  for (const name of ["x".repeat(300), "a\0b", "loop"]) {
    const blob = new FileBlob(join(path, "..", name), "");
    t.match(blob, { size: 0, lastModified: 0 });
    t.equal(await blob.exists(), false);
    t.throws(() => blob.pin(), { message: "not found" });
  }
});

const APP = `import { FileBlob } from ${JSON.stringify(MODULE)};
  export default {
    routes: { "/constant": new Response(new FileBlob(process.env.FOLDER + "/a", "text/plain")) },
    fetch(request) {
      const path = new URL(request.url).pathname;
      if (path === "/exit") process.exit(1);
      return new Response(new FileBlob(process.env.FOLDER + path, "text/plain"));
    },
  };`;

t.test("an answer has the file of its moment", async (t) => {
  const folder = ownFolder(t);
  const { url, connect } = await startApp(t, APP, { env: { FOLDER: folder } });
  writeFileSync(join(folder, "a"), "first");
  for (const path of ["/a", "/constant"]) t.equal(await (await fetch(url + path)).text(), "first");
  writeFileSync(join(folder, "a"), "second");
  for (const path of ["/a", "/constant"]) t.equal(await (await fetch(url + path)).text(), "second");
  t.equal((await fetch(`${url}/none`)).status, 404);
  const head = await fetch(`${url}/a`, { method: "HEAD" });
  t.equal(head.headers.get("content-length"), "6");
  writeFileSync(join(folder, "empty"), "");
  t.equal(await (await fetch(`${url}/empty`)).text(), "");
  const client = await connect();
  client.write("GET /a HTTP/1.1\r\nHost: a\r\n\r\n".repeat(3));
  for (let i = 0; i < 3; i++) {
    t.equal((await client.response()).body, "second", "pipelined");
  }
  client.write("GET /a HTTP/1.0\r\n\r\n");
  t.equal((await client.response()).body, "second");
});

t.test("compressed on its way it passes through the worker", async (t) => {
  const folder = ownFolder(t);
  const text = "compressible ".repeat(20_000);
  writeFileSync(join(folder, "a"), text);
  const { url } = await startApp(t, APP, { env: { FOLDER: folder }, compression: true });
  const answer = await fetch(`${url}/a`, { headers: { "accept-encoding": "gzip" } });
  t.equal(answer.headers.get("content-encoding"), "gzip");
  t.equal(await answer.text(), text);
  for (const name of ["x".repeat(300), "none"]) {
    const none = await fetch(`${url}/${name}`, { headers: { "accept-encoding": "gzip" } });
    t.equal(none.status, 404, name);
  }
});

t.test("nothing of a cut answer stays open, whoever cuts it", async (t) => {
  const folder = ownFolder(t);
  writeFileSync(join(folder, "long"), Buffer.alloc(LONG, "x"));
  writeFileSync(join(folder, "shrinks"), Buffer.alloc(LONG, "y"));
  const { url, connect, server } = await startApp(t, APP, { env: { FOLDER: folder } });
  const begin = async (name: string): Promise<Awaited<ReturnType<typeof connect>>> => {
    const client = await connect();
    client.socket.pause();
    client.write(`GET /${name} HTTP/1.1\r\nHost: a\r\n\r\n`);
    return client;
  };
  const sent = (): number => server.stats().listeners[0]!.bytesOut;
  const gone = await begin("long");
  await until("the answer to begin", () => sent() > 0 && openIn(folder) === 1);
  gone.socket.destroy();
  const shrinking = await begin("shrinks");
  await until("the other to begin", () => openIn(folder) === 2);
  truncateSync(join(folder, "shrinks"), 10);
  shrinking.socket.resume();
  await until("its connection to be cut", () => shrinking.state !== "open");
  t.ok(shrinking.pending.length < LONG);
  const cut = await begin("long");
  await until("the third to be sent", () => server.stats().listeners[0]!.connections === 1);
  await fetch(`${url}/exit`).catch(() => undefined);
  cut.socket.resume();
  await until("the thread's end to cut it", () => cut.state !== "open");
  t.ok(cut.pending.length < LONG);
  await until("all to be closed", () => openIn(folder) === 0);
  t.equal((await (await fetch(`${url}/long`)).arrayBuffer()).byteLength, LONG);
});

t.test("a reload lets an answer end", async (t) => {
  const folder = ownFolder(t);
  writeFileSync(join(folder, "long"), Buffer.alloc(LONG, "x"));
  const { connect, server } = await startApp(t, APP, { env: { FOLDER: folder } });
  const client = await connect();
  client.socket.pause();
  client.write("GET /long HTTP/1.1\r\nHost: a\r\n\r\n");
  await until("the answer to begin", () => server.stats().listeners[0]!.bytesOut > 0);
  await server.reload();
  client.socket.resume();
  t.equal((await client.response()).body.length, LONG);
  await until("the old thread's file to be closed", () => openIn(folder) === 0);
});
