/** Test of the log, in a process of its own, whose standard output can be read. */
import { spawnSync } from "node:child_process";
import t from "tap";
import { cleanEnv, repositoryFile } from "../support/environment.ts";

const SOURCE = `
import { childLog, makeLog } from ${JSON.stringify(repositoryFile("dist/src/worker/log.js"))};
const { log } = makeLog({ logLevel: "info", logDestination: "stdout" }, { worker: 7 });
log("called");
log("with %s", "parts");
log.debug("below the level");
log.warn({ key: "value" }, "method");
const { error } = log;
error(new Error("why"));
makeLog({ logLevel: "silent", logDestination: "stdout" }, {}).log.fatal("nothing");
let asked = 0;
const child = childLog(log, () => ({ id: ++asked }));
child.debug("below the level");
child("child of %d", asked);
child.error({ key: 1 }, "again");
const other = () => {};
childLog(other, () => ({})) === other || log("not the same");
log.warn({ header: "a\\x9b31mred" }, "b\\x7f\\x85c");
childLog(log, () => ({ id: "\\u2028" }))("d\\x9be");
`;

t.test("it is called like a function, and has pino's methods and levels", async (t) => {
  const { stdout, stderr, status } = spawnSync(
    process.execPath, ["--input-type=module", "--eval", SOURCE],
    { env: cleanEnv(), encoding: "utf8" },
  );
  t.equal(stderr, "");
  t.equal(status, 0);
  const lines = stdout.trim().split("\n").map((line) => JSON.parse(line) as object);
  t.match(lines, [
    { level: 30, worker: 7, msg: "called" },
    { level: 30, worker: 7, msg: "with parts" },
    { level: 40, worker: 7, key: "value", msg: "method" },
    { level: 50, worker: 7, err: { message: "why" }, msg: "why" },
    { level: 30, worker: 7, id: 1, msg: "child of 0" },
    { level: 50, worker: 7, id: 1, key: 1, msg: "again" },
    { level: 40, worker: 7, header: "a\x9b31mred", msg: "b\x7f\x85c" },
    { level: 30, worker: 7, id: "\u2028", msg: "d\x9be" },
  ]);
  t.equal(lines.length, 8);
  t.notMatch(stdout, /[\x7f-\x9f\u2028]/, "no control character is there unescaped");
});
