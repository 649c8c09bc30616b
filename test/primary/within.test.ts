/** Tests of waiting that ends. */
import t from "tap";
import { within } from "../../src/primary/within.ts";

t.test("what comes in time is the result, also a rejection", async (t) => {
  t.equal(await within(Promise.resolve(1), 60_000, "late"), 1);
  await t.rejects(within(Promise.reject(new Error("no")), 60_000, "late"), { message: "no" });
  t.notMatch(process.getActiveResourcesInfo(), ["Timeout"], "no timer is left");
});

t.test("what comes too late is nobody's, also a rejection", async (t) => {
  const fails = new Promise((_, reject) => setTimeout(reject, 20, new Error("nobody hears")));
  t.equal(await within(fails, 1, "late"), "late");
  await new Promise((resolve) => setTimeout(resolve, 40));
});
