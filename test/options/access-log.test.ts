/** The forms of the options of the logs, and what the server makes of them. */
import { resolve } from "node:path";
import t from "tap";
import {
  accessLogCheck, destinationOf, logsToFile, resolveAccessLog,
} from "../../src/options/access-log.ts";
import { passes } from "../../src/options/checks.ts";

t.test("what it may be", async (t) => {
  for (const value of [false, "stdout", "a.log", { path: "a" }, { path: "a", format: "json" }]) {
    t.ok(passes(accessLogCheck, value), JSON.stringify(value));
  }
  const refused = [
    true, "", "a\0b", 1, null, {}, { path: "" }, { path: "a", format: "w3c" }, { path: "a", x: 1 },
  ];
  for (const value of refused) t.notOk(passes(accessLogCheck, value), JSON.stringify(value));
});

t.test("the path becomes absolute, what the object says wins", async (t) => {
  t.equal(resolveAccessLog(false, "common"), undefined);
  t.equal(resolveAccessLog("false", "common"), undefined, "as a flag says it");
  t.strictSame(resolveAccessLog("stdout", "json"), { path: "stdout", format: "json", ids: false });
  t.strictSame(resolveAccessLog("a.log", "common", true), {
    path: resolve("a.log"), format: "common", ids: true,
  });
  t.strictSame(resolveAccessLog({ path: "/a", format: "json", ids: false }, "common", true), {
    path: "/a", format: "json", ids: false,
  });
  t.equal(destinationOf("stderr"), "stderr");
  t.equal(destinationOf("b.log"), resolve("b.log"));
});

t.test("whether a log is a file, which SIGUSR2 has opened again", async (t) => {
  t.notOk(logsToFile(false, "stdout"));
  t.notOk(logsToFile("stdout", "stderr"));
  t.ok(logsToFile("/a.log", "stdout"));
  t.ok(logsToFile(false, "/a.log"));
});
