/** Tests of what counts as a change of the app, and of a server that follows it. */
import { appendFileSync, mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import t from "tap";
import { AppWatch } from "../../src/primary/app-watch.ts";
import { until } from "../support/deadline.ts";
import { ownFolder } from "../support/folder.ts";
import { collect, get } from "../support/lifecycle.ts";
import { startVersions, versionSource } from "../support/versions.ts";

/** Longer than a change needs to be told. */
const settled = async (): Promise<void> => {
  await new Promise((resolve) => setTimeout(resolve, 400));
};

t.test("modules count, wherever below they are and however they come", async (t) => {
  const folder = ownFolder(t);
  const file = join(folder, "app.mjs");
  writeFileSync(file, "1");
  let changes = 0;
  const watch = new AppWatch(pathToFileURL(file).href, () => changes++);
  t.teardown(() => watch.stop());
  const sees = async (what: string, change: () => void): Promise<void> => {
    const before = changes;
    change();
    await until(what, () => changes > before);
    await settled();
    t.equal(changes, before + 1, what);
  };
  await sees("a write", () => writeFileSync(file, "22"));
  await sees("an append", () => appendFileSync(file, "3"));
  await sees("a file put in its place", () => {
    writeFileSync(join(folder, "app.new"), "22");
    renameSync(join(folder, "app.new"), file);
  });
  await sees("a folder with a module in it", () => {
    mkdirSync(join(folder, "lib/deep"), { recursive: true });
    writeFileSync(join(folder, "lib/deep/a.ts"), "1");
  });
  await sees("a change in it", () => writeFileSync(join(folder, "lib/deep/a.ts"), "22"));
  await sees("several at once", () => {
    for (const name of ["b.js", "c.cjs", "d.mts"]) writeFileSync(join(folder, name), "1");
  });
  await sees("a module that goes", () => rmSync(join(folder, "lib"), { recursive: true }));
});

t.test("what is no module, and what has not changed, does not count", async (t) => {
  const folder = ownFolder(t);
  const file = join(folder, "app.mjs");
  writeFileSync(file, "1");
  const at = new Date(1e12);
  utimesSync(file, at, at);
  let changes = 0;
  const watch = new AppWatch(pathToFileURL(file).href, () => changes++);
  t.teardown(() => watch.stop());
  writeFileSync(join(folder, "access.log"), "x");
  writeFileSync(join(folder, "data.json"), "{}");
  for (const name of ["node_modules", ".git"]) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, "a.js"), "1");
  }
  writeFileSync(file, "2");
  writeFileSync(file, "1");
  utimesSync(file, at, at);
  await settled();
  t.equal(changes, 0);
  watch.stop();
  writeFileSync(file, "22");
  await settled();
  t.equal(changes, 0, "nor what comes after its end");
});

t.test("another app's folder is watched in the place of the first", async (t) => {
  const [first, second] = [ownFolder(t), ownFolder(t)];
  for (const folder of [first, second]) writeFileSync(join(folder, "app.mjs"), "1");
  let changes = 0;
  const watch = new AppWatch(pathToFileURL(join(first, "app.mjs")).href, () => changes++);
  t.teardown(() => watch.stop());
  watch.follow({ kind: "module", href: pathToFileURL(join(second, "app.mjs")).href });
  writeFileSync(join(first, "app.mjs"), "22");
  await settled();
  t.equal(changes, 0);
  writeFileSync(join(second, "app.mjs"), "22");
  await until("the change", () => changes === 1);
});

t.test("with watch: true the server serves what is in the file", async (t) => {
  const server = await startVersions(t, { watch: true });
  const client = await server.connect();
  t.equal((await client.request(get())).body, "v1");
  const reloaded = collect(server, "reload");
  server.write(versionSource("v2"));
  await reloaded;
  t.equal((await client.request(get())).body, "v2");
  const errors = collect<{ code: string; message: string }>(server, "error");
  server.write("export default {");
  t.match((await errors)[0], { code: "ERR_MILLRACE_APP_LOAD", message: /app\.mjs:1/ });
  t.equal((await client.request(get())).body, "v2", "the old version goes on");
  const mended = collect(server, "reload");
  server.write(versionSource("v3"));
  await mended;
  t.equal((await client.request(get())).body, "v3");
});

t.test("with workers: 0 there is nothing to reload", async (t) => {
  await t.rejects(startVersions(t, { watch: true, workers: 0 }), {
    code: "ERR_MILLRACE_NO_WORKERS",
  });
});
