/** Test of the public surface: what the package exports, and nothing else. */
import t from "tap";
import * as millrace from "../src/index.ts";

t.test("the exports are few and known", async (t) => {
  t.strictSame(Object.keys(millrace).sort(), [
    "HttpError", "MillraceError", "bindUrl", "parseBind", "redirect", "serve",
  ]);
});
