/** Tests of when the control socket and the pid file come and go. */
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import t from "tap";
import { askControl } from "../support/ask-control.ts";
import { ownFolder } from "../support/folder.ts";
import { startApp } from "../support/server.ts";

const HELLO = 'export default () => new Response("hello");';

t.test("they are there while the server serves", async (t) => {
  const folder = ownFolder(t);
  const [control, pidFile] = [join(folder, "c"), join(folder, "pid")];
  const { server } = await startApp(t, HELLO, { control, pidFile });
  t.equal(readFileSync(pidFile, "utf8"), `${process.pid}\n`);
  t.equal((await askControl(control, "GET /status")).status, 200);
  await server.close();
  t.strictSame(readdirSync(folder), []);
});

t.test("a server that does not start leaves neither", async (t) => {
  const folder = ownFolder(t);
  const blocker = createServer().listen(0, "127.0.0.1");
  t.teardown(() => {
    blocker.close();
  });
  await new Promise((resolve) => blocker.once("listening", resolve));
  const { port } = blocker.address() as AddressInfo;
  const options = { control: join(folder, "c"), pidFile: join(folder, "pid"), port };
  await t.rejects(startApp(t, HELLO, { host: "127.0.0.1", ...options }), {
    code: "ERR_MILLRACE_BIND",
  });
  t.strictSame(readdirSync(folder), []);
});

t.test("a path of either that does not do is found before anything is bound", async (t) => {
  const folder = ownFolder(t);
  const pidFile = join(folder, "none", "pid");
  await t.rejects(startApp(t, HELLO, { pidFile }), { code: "ERR_MILLRACE_PID_FILE" });
  const control = join(folder, "none", "c");
  await t.rejects(startApp(t, HELLO, { control }), { code: "ERR_MILLRACE_CONTROL_SOCKET" });
});

t.test("a second server on the same socket does not start, the first goes on", async (t) => {
  const folder = ownFolder(t);
  const control = join(folder, "c");
  const { url } = await startApp(t, HELLO, { control });
  await t.rejects(startApp(t, HELLO, { control }), {
    code: "ERR_MILLRACE_CONTROL_SOCKET", message: /another server has it/,
  });
  t.equal((await askControl(control, "GET /status")).value.listeners[0].url, url);
  t.strictSame(readdirSync(folder), ["c"]);
});
