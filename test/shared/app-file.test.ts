/** Tests of how errors name the file of an app. */
import t from "tap";
import { fileOf, inFile } from "../../src/shared/app-file.ts";
import { MillraceError } from "../../src/shared/errors.ts";

t.test("the file of an app is a path", async (t) => {
  t.equal(fileOf({ kind: "module", href: "file:///srv/a%20b.mjs?x=1" }), "/srv/a b.mjs");
  t.equal(fileOf({ kind: "module", href: "data:text/javascript," }), "data:text/javascript,");
  t.equal(fileOf({ kind: "value", value: {} }), undefined);
});

t.test("an error names it once, and stays what it is", async (t) => {
  const cause = new Error("why");
  const error = new MillraceError("ERR_MILLRACE_APP_SHAPE", "no app", { cause });
  const named = inFile("/srv/a.mjs", error) as MillraceError;
  t.match(named, { code: "ERR_MILLRACE_APP_SHAPE", message: "The app /srv/a.mjs: no app", cause });
  t.equal(inFile("/srv/a.mjs", named), named);
  t.notOk("cause" in (inFile("/a", new MillraceError("ERR_MILLRACE_APP_SHAPE")) as object));
  for (const [file, other] of [["/a", new Error("x")], [undefined, error]] as const) {
    t.equal(inFile(file, other), other);
  }
});
