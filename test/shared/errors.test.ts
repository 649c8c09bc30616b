/** Tests of the error classes and of their table. */
import t from "tap";
import { ERRORS, HttpError, MillraceError } from "../../src/shared/errors.ts";

t.test("an error without a message says what the table says of its code", async (t) => {
  const error = new MillraceError("ERR_MILLRACE_PLATFORM");
  t.equal(error.message, ERRORS.ERR_MILLRACE_PLATFORM.text);
  t.equal(error.code, "ERR_MILLRACE_PLATFORM");
  t.equal(error.status, undefined);
  t.ok(error instanceof Error);
});

t.test("the name is printed but is no property of each error", async (t) => {
  const error = new MillraceError("ERR_MILLRACE_BIND", "port 1 is in use");
  t.equal(String(error), "MillraceError: port 1 is in use");
  t.notOk(Object.hasOwn(error, "name"));
  t.equal(new HttpError(404, "gone").name, "HttpError");
});

t.test("a code with a status gives it to the error", async (t) => {
  t.equal(new MillraceError("ERR_MILLRACE_BODY_TOO_LARGE").status, 413);
});

t.test("the cause is kept", async (t) => {
  const cause = new Error("EADDRINUSE");
  t.equal(new MillraceError("ERR_MILLRACE_BIND", "in use", { cause }).cause, cause);
  t.equal(new HttpError(400, "cut", { cause }).cause, cause);
});

t.test("every text is one short sentence or two, and ends with a full stop", async (t) => {
  for (const [code, row] of Object.entries(ERRORS)) {
    t.match(code, /^ERR_MILLRACE_[A-Z]+(_[A-Z]+)*$/);
    t.match(row.text, /^[A-Z`].*\.$/, code);
  }
});

t.test("HttpError carries its status, close and code", async (t) => {
  const error = new HttpError(413, "too large", {
    close: true, code: "ERR_MILLRACE_BODY_TOO_LARGE",
  });
  t.match(error, { status: 413, close: true, code: "ERR_MILLRACE_BODY_TOO_LARGE" });
  const plain = new HttpError(503);
  t.match(plain, { status: 503, close: false, message: "" });
  t.notOk("code" in plain);
});

t.test("HttpError refuses a status that is no error", async (t) => {
  for (const status of [200, 399, 600, 404.5, Number.NaN]) {
    t.throws(() => new HttpError(status), { name: "RangeError" });
  }
});
