/** Tests of errors that are found in an app after it has loaded. */
import t from "tap";
import { MillraceError } from "../../src/shared/errors.ts";
import { inAppFile, rememberFile } from "../../src/worker/app-files.ts";

t.test("they name the file of the app, if it has one", async (t) => {
  const fail = (): never => {
    throw new MillraceError("ERR_MILLRACE_ROUTE_INVALID", "no slash");
  };
  const [app, value] = [{}, {}];
  rememberFile(app, "/srv/app.mjs");
  rememberFile(value, undefined);
  t.throws(() => inAppFile(app, fail), { message: "The app /srv/app.mjs: no slash" });
  t.throws(() => inAppFile(value, fail), { message: "no slash" });
  t.equal(inAppFile(app, () => 7), 7);
});
