/** Tests of where errors of an app's modules are said to be. */
import t from "tap";
import { placeOf, withPlace } from "../../src/worker/error-place.ts";

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

t.test("a message says it once", async (t) => {
  t.equal(withPlace("wrong", "/a.js:1"), "wrong (/a.js:1)");
  t.equal(withPlace("wrong at /a.js:1", "/a.js:1"), "wrong at /a.js:1");
  t.equal(withPlace("wrong", undefined), "wrong");
});
