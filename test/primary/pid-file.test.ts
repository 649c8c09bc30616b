/** Tests of the pid file: who may write it, and who removes it. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { PidFile } from "../../src/primary/pid-file.ts";
import { cleanEnv } from "../support/environment.ts";
import { ownFolder } from "../support/folder.ts";
import type { Owner } from "../support/folder.ts";

/** The pid of another Node.js process, which lives as long as the test. */
function anotherProcess(owner: Owner): number {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1e6)"], { env: cleanEnv() });
  owner.teardown(() => {
    child.kill("SIGKILL");
  });
  return child.pid!;
}

function deadPid(): number {
  return spawnSync(process.execPath, ["-e", ""], { env: cleanEnv() }).pid;
}

t.test("it holds the pid, whole, and goes with its owner", async (t) => {
  const folder = ownFolder(t);
  const path = join(folder, "pid");
  const file = new PidFile(path, undefined);
  file.check();
  t.strictSame(readdirSync(folder), [], "checking leaves nothing");
  file.write();
  t.equal(readFileSync(path, "utf8"), `${process.pid}\n`);
  t.strictSame(readdirSync(folder), ["pid"]);
  file.remove();
  t.notOk(existsSync(path));
  file.remove();
});

t.test("a pid that runs no server is written over", async (t) => {
  const path = join(ownFolder(t), "pid");
  for (const left of [`${deadPid()}\n`, "1\n", "", "not a number", "-5", `${process.pid}`]) {
    writeFileSync(path, left);
    const file = new PidFile(path, undefined);
    file.check();
    file.write();
    t.equal(readFileSync(path, "utf8"), `${process.pid}\n`, JSON.stringify(left));
    file.remove();
  }
});

t.test("another server's pid is refused, unless it is the one that is replaced", async (t) => {
  const path = join(ownFolder(t), "pid");
  const pid = anotherProcess(t);
  writeFileSync(path, `${pid}\n`);
  t.throws(() => new PidFile(path, undefined).check(), {
    code: "ERR_MILLRACE_PID_FILE", message: new RegExp(`process ${pid}, .* runs`),
  });
  t.equal(readFileSync(path, "utf8"), `${pid}\n`);
  const file = new PidFile(path, pid);
  file.check();
  file.write();
  t.equal(readFileSync(path, "utf8"), `${process.pid}\n`);
  file.remove();
});

t.test("who has been replaced does not remove it", async (t) => {
  const path = join(ownFolder(t), "pid");
  const file = new PidFile(path, undefined);
  file.write();
  writeFileSync(path, "4711\n");
  file.remove();
  t.equal(readFileSync(path, "utf8"), "4711\n");
});

t.test("a place that cannot be written is a clear error, and nothing is left", async (t) => {
  const folder = ownFolder(t);
  const code = "ERR_MILLRACE_PID_FILE";
  const missing = new PidFile(join(folder, "none", "pid"), undefined);
  t.throws(() => missing.check(), { code, message: /none\/pid cannot be written: ENOENT/ });
  mkdirSync(join(folder, "pid"));
  t.throws(() => new PidFile(join(folder, "pid"), undefined).write(), { code, message: /EISDIR/ });
  t.strictSame(readdirSync(folder), ["pid"]);
});

t.test("process.exit takes it away too", async (t) => {
  const path = join(ownFolder(t), "pid");
  const source = `
    import { PidFile } from ${JSON.stringify(new URL("../../src/primary/pid-file.js",
      import.meta.url).href)};
    new PidFile(${JSON.stringify(path)}).write();
    process.stdout.write((await import("node:fs")).readFileSync(${JSON.stringify(path)}, "utf8"));
    process.exit(3);`;
  const { stdout, status, pid } = spawnSync(
    process.execPath, ["--input-type=module", "-e", source], { env: cleanEnv(), encoding: "utf8" },
  );
  t.equal(status, 3);
  t.equal(stdout, `${pid}\n`);
  t.notOk(existsSync(path));
});
