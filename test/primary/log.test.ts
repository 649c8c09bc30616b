/** Tests of the primary's log. */
import { existsSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { PrimaryLog } from "../../src/primary/log.ts";
import { ownFolder } from "../support/folder.ts";

function linesOf(file: string): unknown[] {
  return readFileSync(file, "utf8").split("\n").filter((line) => line !== "")
    .map((line) => JSON.parse(line) as unknown);
}

t.test("its file is opened with the first line, and again after a rotation", (t) => {
  const file = join(ownFolder(t), "log");
  const log = new PrimaryLog({ logLevel: "warn", logDestination: file });
  log.reopen();
  t.notOk(existsSync(file));
  log.warn({ worker: 1 }, "first");
  renameSync(file, `${file}.1`);
  log.error({ worker: 2 }, "second");
  log.reopen();
  log.error({}, "third");
  log.close();
  t.match(linesOf(`${file}.1`), [
    { level: 40, worker: 1, msg: "first" }, { level: 50, worker: 2, msg: "second" },
  ]);
  t.match(linesOf(file), [{ level: 50, msg: "third" }]);
  t.end();
});

t.test("no control character is in a line unescaped", (t) => {
  const file = join(ownFolder(t), "log");
  const log = new PrimaryLog({ logLevel: "warn", logDestination: file });
  log.warn({ path: "a\x9b31mred" }, "b\x85c\u2028d");
  log.close();
  t.match(readFileSync(file, "utf8"), String.raw`"path":"a\u009b31mred","msg":"b\u0085c\u2028d"`);
  t.match(linesOf(file), [{ path: "a\x9b31mred", msg: "b\x85c\u2028d" }]);
  t.end();
});

t.test("levels count", (t) => {
  const folder = ownFolder(t);
  for (const [logLevel, count] of [["error", 1], ["silent", 0]] as const) {
    const file = join(folder, logLevel);
    const log = new PrimaryLog({ logLevel, logDestination: file });
    log.warn({}, "warned");
    log.error({}, "failed");
    log.close();
    t.equal(existsSync(file) ? linesOf(file).length : 0, count);
  }
  t.end();
});

t.test("a file that cannot be opened loses lines and nothing else", (t) => {
  const logDestination = join(ownFolder(t), "missing", "log");
  const log = new PrimaryLog({ logLevel: "info", logDestination });
  log.warn({}, "lost");
  log.close();
  t.notOk(existsSync(logDestination));
  t.end();
});
