/** Tests of where an import of the app that fails is said to be. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import t from "tap";
import type { Test } from "tap";
import { placeOfImport } from "../../src/worker/import-place.ts";
import { ownFolder } from "../support/folder.ts";

t.test("the line of a syntax error, also in a module that the app imports", async (t) => {
  const folder = ownFolder(t);
  const app = join(folder, "app.mjs");
  writeFileSync(join(folder, "inner.mjs"), "export const a = 1;\n\nconst = 2;\n");
  writeFileSync(app, `
    import { writeFileSync } from "node:fs";
    import "./inner.mjs";
    writeFileSync(${JSON.stringify(join(folder, "has-run"))}, "");`);
  const { href } = pathToFileURL(app);
  const error: unknown = await import(href).catch((reason: unknown) => reason);
  t.match(await placeOfImport(href, error), /inner\.mjs:3$/);
  t.notOk(existsSync(join(folder, "has-run")), "nothing of the app has run");
});

t.test("a name that a module does not export", async (t) => {
  const folder = ownFolder(t);
  const app = join(folder, "app.mjs");
  writeFileSync(join(folder, "inner.mjs"), "");
  writeFileSync(app, '\nimport { nothing } from "./inner.mjs";');
  const { href } = pathToFileURL(app);
  const error: unknown = await import(href).catch((reason: unknown) => reason);
  t.match(await placeOfImport(href, error), /app\.mjs:2$/);
});

/** Where the import of an app with this source is said to fail, without its folder. */
async function placeIn(t: Test, source: string, others: object = {}): Promise<string | undefined> {
  const folder = ownFolder(t);
  for (const [name, text] of Object.entries({ "app.mjs": source, ...others })) {
    writeFileSync(join(folder, name), text);
  }
  const { href } = pathToFileURL(join(folder, "app.mjs"));
  const error: unknown = await import(href).catch((reason: unknown) => reason);
  return (await placeOfImport(href, error))?.replace(`${folder}/`, "");
}

t.test("a module or a package that is not there", async (t) => {
  t.equal(await placeIn(t, '\nimport x from "./none.mjs";'), "app.mjs:2");
  t.equal(await placeIn(t, "import {\n  x,\n} from '../none.mjs';"), "app.mjs:3");
  t.equal(await placeIn(t, '\nimport "none-of-this";'), "app.mjs:2");
  t.equal(await placeIn(t, '\nimport "@none/of-this/part";'), "app.mjs:2");
  t.equal(await placeIn(t, '\n\nawait import("./none.mjs");'), "app.mjs:3");
  t.equal(await placeIn(t, '\nexport { x } from "./none.mjs";'), "app.mjs:2");
  const inner = { "inner.mjs": '\n\nimport "./none.mjs";' };
  t.equal(await placeIn(t, 'import "./inner.mjs";', inner), "inner.mjs:3");
  const comment = '// import x from "./none.mjs";\nimport y from "./none.mjs";';
  t.equal(await placeIn(t, comment), "app.mjs:2");
});

t.test("a line that is not certain is not said", async (t) => {
  const twice = 'import x from "./none.mjs";\nimport { y } from "./none.mjs";';
  t.equal(await placeIn(t, twice), undefined);
  t.equal(await placeIn(t, 'const name = "./none.mjs";\nawait import(name);'), undefined);
});

t.test("a file of JSON that does not parse", async (t) => {
  const source = 'import data from "./bad.json" with { type: "json" };\nexport default data;';
  t.equal(await placeIn(t, source, { "bad.json": '{\n  "a": 1\n  "b": 2\n}' }), "bad.json:3:3");
});

t.test("what is thrown and is no error has no place", async (t) => {
  t.equal(await placeOfImport("file:///a.mjs", "thrown"), undefined);
});
