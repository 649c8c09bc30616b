/** Tests of the configuration file: where it is found and how it is read. */
import { join } from "node:path";
import t from "tap";
import { findConfigFile, loadConfigFile } from "../../src/cli/config-file.ts";

t.test("the file is found beside the nearest package.json", async (t) => {
  const folder = t.testdir({
    "package.json": "{}",
    "millrace.config.json": "{}",
    "millrace.config.mjs": "",
    below: { deep: {} },
    other: { "package.json": "{}" },
  });
  const deep = join(folder, "below/deep");
  t.equal(findConfigFile(undefined, deep), join(folder, "millrace.config.mjs"));
  t.equal(findConfigFile(undefined, join(folder, "other")), undefined);
  t.equal(findConfigFile("x.json", deep), join(deep, "x.json"));
});

t.test("JSON and modules hold the same", async (t) => {
  const folder = t.testdir({
    "a.json": '{ "workers": 3 }',
    "b.mjs": "export default { workers: 3 };",
    "c.cjs": "module.exports = { workers: 3 };",
  });
  for (const name of ["a.json", "b.mjs", "c.cjs"]) {
    const file = join(folder, name);
    t.strictSame(await loadConfigFile(file), { source: "file", file, values: { workers: 3 } });
  }
});

t.test("paths are meant against the folder of the file", async (t) => {
  const listeners = [{ path: "app.sock" }, { port: 1 }, null];
  const folder = t.testdir({ "a.json": JSON.stringify({ app: "./app.mjs", listeners }) });
  const { values } = await loadConfigFile(join(folder, "a.json"));
  t.strictSame(values, {
    app: join(folder, "app.mjs"),
    listeners: [{ path: join(folder, "app.sock") }, { port: 1 }, null],
  });
});

t.test("a file that is missing or broken is refused by its name", async (t) => {
  const folder = t.testdir({
    "bad.json": "{ workers: 3 }",
    "list.json": "[]",
    "none.mjs": "export const workers = 3;",
    "throws.mjs": 'throw new Error("no luck");',
    "asks.mjs": 'import "./nothing.mjs";',
  });
  const refusals: [string, RegExp][] = [
    ["missing.json", /^cannot read .*missing\.json: no such file$/],
    ["missing.mjs", /^cannot read .*missing\.mjs: no such file$/],
    ["bad.json", /^cannot read .*bad\.json: .*JSON/],
    ["list.json", /^.*list\.json must hold an object of options$/],
    ["none.mjs", /^.*none\.mjs must hold an object of options$/],
    ["throws.mjs", /^cannot read .*throws\.mjs: no luck$/],
    ["asks.mjs", /^cannot read .*asks\.mjs: .*nothing\.mjs/],
  ];
  for (const [name, message] of refusals) {
    await t.rejects(loadConfigFile(join(folder, name)), { code: "ERR_MILLRACE_CONFIG", message });
  }
});
