/** Tests of open files by path: what is kept, what is looked at again, and what is closed. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import t from "tap";
import type { OpenFile } from "../../src/worker/open-file.ts";
import { OpenFiles } from "../../src/worker/open-files.ts";
import { cleanEnv } from "../support/environment.ts";
import { ownFolder, type Owner } from "../support/folder.ts";

/** Enough for Node itself and some files. */
const DESCRIPTORS = 64;

function stage(t: Owner, max: number, revalidateMs: number): {
  files: OpenFiles; path(name: string): string; write(name: string, text: string): void;
} {
  const folder = ownFolder(t);
  const path = (name: string): string => join(folder, name);
  const write = (name: string, text: string): void => {
    writeFileSync(path("new"), text);
    renameSync(path("new"), path(name));
  };
  return { files: new OpenFiles({ max, revalidateMs, root: "" }), path, write };
}

t.test("a file is opened once, and anew when it has changed", async (t) => {
  const { files, path, write } = stage(t, 10, 0);
  write("a", "1");
  const first = files.find(path("a")) as OpenFile;
  t.equal(files.find(path("a")), first);
  write("a", "22");
  const second = files.find(path("a")) as OpenFile;
  t.not(second, first);
  t.equal(second.bytes().toString(), "22");
  t.notOk(first.isOpen, "the old one is closed");
  rmSync(path("a"));
  t.equal(files.find(path("a")), "ENOENT");
  t.notOk(second.isOpen);
});

t.test("within the time nothing is looked at", async (t) => {
  const { files, path, write } = stage(t, 10, 1e9);
  t.equal(files.find(path("a")), "ENOENT");
  write("a", "1");
  t.equal(files.find(path("a")), "ENOENT", "that there is none is kept, too");
  files.forget(path("a"));
  const first = files.find(path("a"));
  rmSync(path("a"));
  t.equal(files.find(path("a")), first);
  files.clear();
  t.equal(files.find(path("a")), "ENOENT");
});

t.test("after the time it is", async (t) => {
  const { files, path, write } = stage(t, 10, 1);
  write("a", "1");
  files.find(path("a"));
  write("a", "22");
  await delay(5);
  t.equal((files.find(path("a")) as OpenFile).size, 2);
});

t.test("the bound: who was asked for the longest time ago is closed", async (t) => {
  const { files, path, write } = stage(t, 2, 1e9);
  for (const name of ["a", "b", "c"]) write(name, name);
  const a = files.find(path("a")) as OpenFile;
  const b = files.find(path("b")) as OpenFile;
  files.find(path("a"));
  files.find(path("c"));
  t.equal(files.size, 2);
  t.ok(a.isOpen);
  t.notOk(b.isOpen);
  const again = files.find(path("b"));
  t.not(again, b);
  (again as OpenFile).close();
  t.ok((files.find(path("b")) as OpenFile).isOpen, "one that somebody has closed is opened anew");
});

t.test("a path that cannot be looked at is not as it was", async (t) => {
  const { files, path, write } = stage(t, 10, 0);
  write("a", "1");
  const found = files.find(path("a")) as OpenFile;
  rmSync(path("a"));
  symlinkSync("a", path("a"));
  t.equal(files.find(path("a")), "ELOOP");
  t.notOk(found.isOpen);
});

t.test("what is no file", async (t) => {
  const { files, path, write } = stage(t, 10, 0);
  mkdirSync(path("folder"));
  write("a", "a");
  t.equal(files.find(path("folder")), "EISDIR");
  t.equal(files.find(path("a/b")), "ENOTDIR");
  t.equal(files.find(path("x".repeat(300))), "ENAMETOOLONG");
  if (process.getuid?.() === 0) return;
  chmodSync(path("a"), 0);
  t.equal(files.find(path("a")), "EACCES");
});

t.test("without descriptors, what is kept makes room", async (t) => {
  const folder = ownFolder(t);
  const module = (name: string): string =>
    JSON.stringify(new URL(`../../src/worker/${name}.js`, import.meta.url).href);
  const source = `
    import { closeSync, openSync, writeFileSync } from "node:fs";
    import { FileBlob } from ${module("file-blob")};
    import { OpenFiles } from ${module("open-files")};
    const path = (index) => "f" + index;
    const text = (index) => found(index).bytes().toString();
    for (let index = 0; index < 300; index++) writeFileSync(path(index), String(index));
    const options = { max: 256, revalidateMs: 1e9, root: "" };
    const files = new OpenFiles(options);
    const found = (index) => files.find(path(index));
    for (let index = 0; index < 300; index++) {
      if (text(index) !== String(index)) throw new Error("file " + index);
    }
    const opened = [];
    const fill = () => {
      try {
        for (;;) opened.push(openSync("/dev/null"));
      } catch {}
    };
    fill();
    const other = new OpenFiles(options);
    if (other.find(path(0)).bytes().toString() !== "0") throw new Error("of another cache");
    fill();
    if (new FileBlob(path(1), "").pin().size !== 1) throw new Error("a blob");
    fill();
    if (text(2) !== "2") throw new Error("the first again");
    for (const descriptor of opened) closeSync(descriptor);
    const blob = new FileBlob(path(200), "").pin();
    for (let index = 0; index < 300; index++) found(index);
    process.stdout.write(Buffer.from(await blob.bytes()));`;
  writeFileSync(join(folder, "script.mjs"), source);
  const shown = execFileSync("/bin/sh",
    ["-c", `ulimit -n ${DESCRIPTORS}; exec "$@"`, "sh", process.execPath, "script.mjs"],
    { cwd: folder, encoding: "utf8", env: cleanEnv() });
  t.equal(shown, "200");
});
