/** Tests of the one line that a failure is told in. */
import t from "tap";
import { failureLine } from "../../src/cli/failure.ts";
import { MillraceError } from "../../src/shared/errors.ts";

t.test("an error of Millrace is told with its code", async (t) => {
  const error = new MillraceError("ERR_MILLRACE_OPTION_INVALID", "--port must be x");
  t.equal(failureLine(error), "millrace: --port must be x (ERR_MILLRACE_OPTION_INVALID)");
});

t.test("a port in use comes with what to do", async (t) => {
  const code = "EADDRINUSE";
  const cause = Object.assign(new Error("bind: EADDRINUSE"), { code, syscall: "bind" });
  const error = new MillraceError("ERR_MILLRACE_BIND", "port 80 is in use", { cause });
  t.equal(
    failureLine(error),
    "millrace: port 80 is in use; choose another with --port or --listener (ERR_MILLRACE_BIND)",
  );
});

t.test("the cause is told, unless the message quotes it already", async (t) => {
  const cause = new Error("Unexpected token");
  const bare = new MillraceError("ERR_MILLRACE_APP_LOAD", "the app failed to load", { cause });
  t.match(failureLine(bare), /the app failed to load: Unexpected token \(/);
  const quoting = new MillraceError("ERR_MILLRACE_APP_LOAD", "failed: Unexpected token", { cause });
  t.match(failureLine(quoting), /^millrace: failed: Unexpected token \(/);
});

t.test("everything is one line", async (t) => {
  t.equal(failureLine(new Error("one\n  two\n")), "millrace: one two");
  t.equal(failureLine(new TypeError("")), "millrace: TypeError");
  t.equal(failureLine("text"), "millrace: text");
  t.equal(failureLine(undefined), "millrace: undefined");
});
