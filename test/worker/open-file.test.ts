/** Tests of open files: what is refused, what is known of one, and that descriptors do not stay. */
import {
  linkSync, mkdirSync, readdirSync, realpathSync, renameSync, statSync, symlinkSync, truncateSync,
  writeFileSync,
} from "node:fs";
import { execFileSync } from "node:child_process";
import { basename, join } from "node:path";
import t from "tap";
import { OpenFile } from "../../src/worker/open-file.ts";
import { foreignEnv } from "../support/environment.ts";
import { ownFolder } from "../support/folder.ts";

function code(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
  return "nothing was thrown";
}

const descriptors = (): number => readdirSync("/proc/self/fd").length;

t.test("what is known of a file, and its bytes", async (t) => {
  const path = join(ownFolder(t), "a");
  writeFileSync(path, "text");
  const before = descriptors();
  const file = OpenFile.open(path);
  t.equal(descriptors(), before + 1);
  const { mtimeMs, ino, dev } = statSync(path);
  t.match(file, { path, size: 4, isOpen: true });
  t.ok(Math.abs(file.modifiedMs - mtimeMs) < 0.01);
  t.ok(file.isOf(statSync(path)) && file.isSame(OpenFile.open(path)));
  t.notOk(file.isOf({ ino, dev, mtimeMs, size: 5 }));
  t.notOk(file.isOf({ ino: ino + 1, dev, mtimeMs, size: 4 }));
  t.notOk(file.isOf({ ino, dev, mtimeMs: mtimeMs + 1, size: 4 }));
  t.equal(file.bytes().toString(), "text");
  truncateSync(path, 2);
  t.equal(code(() => file.bytes()), "ERR_MILLRACE_FILE_CHANGED");
  file.close();
  file.close();
  t.notOk(file.isOpen);
  t.equal(code(() => file.bytes()), "EBADF");
});

t.test("what is no regular file", async (t) => {
  const folder = ownFolder(t);
  execFileSync("mkfifo", [join(folder, "fifo")], { env: foreignEnv() });
  const before = descriptors();
  t.equal(code(() => OpenFile.open(folder)), "EISDIR");
  t.equal(code(() => OpenFile.open(join(folder, "none"))), "ENOENT");
  t.equal(code(() => OpenFile.open(join(folder, "fifo"))), "EINVAL", "nor is it waited for");
  t.equal(code(() => OpenFile.open("/dev/null")), "EINVAL");
  writeFileSync(join(folder, "a"), "");
  t.equal(code(() => OpenFile.open(join(folder, "a\0b"))), "EINVAL");
  t.equal(code(() => OpenFile.open(join(folder, "a", "b"))), "ENOTDIR");
  t.equal(descriptors(), before, "none of them is left open");
});

t.test("links are followed inside the root only", async (t) => {
  const outside = ownFolder(t);
  const root = realpathSync(ownFolder(t));
  mkdirSync(join(root, "in"));
  writeFileSync(join(root, "in", "a"), "a");
  writeFileSync(join(outside, "secret"), "secret");
  mkdirSync(`${root}-beside`);
  t.teardown(() => execFileSync("rm", ["-r", `${root}-beside`], { env: foreignEnv() }));
  writeFileSync(join(`${root}-beside`, "b"), "b");
  symlinkSync(join(root, "in", "a"), join(root, "absolute"));
  symlinkSync("in/a", join(root, "relative"));
  symlinkSync(join(outside, "secret"), join(root, "out"));
  symlinkSync(outside, join(root, "folder"));
  symlinkSync("loop", join(root, "loop"));
  linkSync(join(root, "in", "a"), join(root, "hard"));
  for (const name of ["in/a", "absolute", "relative", "hard"]) {
    t.equal(OpenFile.open(join(root, name), root).size, 1, name);
  }
  const before = descriptors();
  const beside = `../${basename(root)}-beside/b`;
  const outer = ["out", "folder/secret", "folder", "../none", beside];
  t.strictSame(
    outer.map((name) => code(() => OpenFile.open(join(root, name), root))),
    ["EACCES", "EACCES", "EACCES", "ENOENT", "EACCES"],
  );
  t.equal(code(() => OpenFile.open(join(root, "loop"), root)), "ELOOP");
  t.equal(descriptors(), before);
});

t.test("a file that was replaced is another one", async (t) => {
  const folder = ownFolder(t);
  const path = join(folder, "a");
  writeFileSync(path, "old");
  const old = OpenFile.open(path);
  writeFileSync(join(folder, "b"), "new");
  renameSync(join(folder, "b"), path);
  t.notOk(old.isOf(statSync(path)));
  t.equal(old.bytes().toString(), "old");
  t.notOk(old.isSame(OpenFile.open(path)));
});
