/** Tests of where errors of an app's modules are said to be. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import t from "tap";
import { placeOf, placeOfImport, withPlace } from "../../src/worker/error-place.ts";
import { ownFolder } from "../support/folder.ts";

t.test("the first frame that is a file's", async (t) => {
  const error = new Error("x");
  error.stack = "Error: x\n    at node:internal/x:1:2\n    at f (file:///a%20b/c.mjs:3:4)";
  t.equal(placeOf(error), "/a b/c.mjs:3:4");
  error.stack = "Error: x\n    at async /a/b.js:10:2\n    at /c.js:1:1";
  t.equal(placeOf(error), "/a/b.js:10:2");
  error.stack = "/a/b.cjs:7\nconst = 1;\n      ^\n\nSyntaxError: x";
  t.equal(placeOf(error), "/a/b.cjs:7");
  for (const none of ["Error: x\n    at node:internal/x:1:2", "Error: see http://a.test:80/", ""]) {
    error.stack = none;
    t.equal(placeOf(error), undefined);
  }
  t.equal(placeOf("no error"), undefined);
});

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

t.test("a message says it once", async (t) => {
  t.equal(withPlace("wrong", "/a.js:1"), "wrong (/a.js:1)");
  t.equal(withPlace("wrong at /a.js:1", "/a.js:1"), "wrong at /a.js:1");
  t.equal(withPlace("wrong", undefined), "wrong");
});
