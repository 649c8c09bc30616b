/** Tests of the checks of what calls of a running server are told. */
import t from "tap";
import { checkCall, checkNames, DRAIN_FIELDS, STOP_FIELDS } from "../../src/options/calls.ts";
import { show } from "../../src/options/checks.ts";

t.test("what the options allow passes, and so does none", async () => {
  checkCall("close", STOP_FIELDS);
  checkCall("close", STOP_FIELDS, {});
  checkCall("close", STOP_FIELDS, { force: undefined, deadlineMs: 0 });
  checkCall("drain", DRAIN_FIELDS, { force: true, deadlineMs: 1, delayMs: 2_147_483_647 });
});

t.test("what no timer could take is refused by its name", async (t) => {
  for (const wrong of [5n, Number.NaN, -1, Infinity, 1.5, 2 ** 31, "5", null, true]) {
    t.throws(() => checkCall("drain", DRAIN_FIELDS, { delayMs: wrong }), {
      code: "ERR_MILLRACE_OPTION_INVALID",
      message: `drain: delayMs must be an integer from 0 to 2147483647, not ${show(wrong)}`,
    });
  }
  const code = "ERR_MILLRACE_OPTION_INVALID";
  t.throws(() => checkCall("close", STOP_FIELDS, { force: 1 }), {
    code, message: "close: force must be true or false, not 1",
  });
  t.throws(() => checkCall("close", STOP_FIELDS, null), {
    code, message: "close: its options must be an object, not null",
  });
});

t.test("a name that is none is refused with the one that may be meant", async (t) => {
  checkNames("removeRoute", ["force"], { force: true });
  t.throws(() => checkNames("removeRoute", ["force", "listener"], { forse: true }), {
    code: "ERR_MILLRACE_OPTION_UNKNOWN",
    message: "removeRoute has no option forse, did you mean force?",
  });
});
