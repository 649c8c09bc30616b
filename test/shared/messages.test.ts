/** Tests of what crosses the control channel. */
import t from "tap";
import { MillraceError } from "../../src/shared/errors.ts";
import { toSentError } from "../../src/shared/messages.ts";

t.test("an error keeps its name, message, code and stack", async (t) => {
  const error = new MillraceError("ERR_MILLRACE_APP_LOAD", "why");
  const sent = toSentError(error);
  t.strictSame(structuredClone(sent), {
    name: error.name,
    message: "why",
    code: "ERR_MILLRACE_APP_LOAD",
    stack: error.stack,
  });
});

t.test("what is no error, or is one with oddities, can be sent too", async (t) => {
  t.strictSame(toSentError("text"), { name: "Error", message: "text" });
  t.strictSame(toSentError(undefined), { name: "Error", message: "undefined" });
  const odd = Object.assign(new TypeError("odd"), { code: 5, cause: () => undefined });
  delete odd.stack;
  t.strictSame(toSentError(odd), { name: "TypeError", message: "odd" });
});
