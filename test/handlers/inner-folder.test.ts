/** Tests of folders that are opened below a root. */
import { execFileSync } from "node:child_process";
import {
  mkdirSync, readdirSync, realpathSync, renameSync, symlinkSync, writeFileSync,
} from "node:fs";
import { join } from "node:path";
import t from "tap";
import { openFolder, pathOf } from "../../src/handlers/inner-folder.ts";
import { foreignEnv } from "../support/environment.ts";
import { ownFolder } from "../support/folder.ts";

t.test("only what lies within, and it stays what it was", async (t) => {
  const root = realpathSync(ownFolder(t));
  const outside = realpathSync(ownFolder(t));
  mkdirSync(join(root, "in"));
  writeFileSync(join(root, "in", "a"), "");
  writeFileSync(join(root, "file"), "");
  symlinkSync(outside, join(root, "out"));
  symlinkSync("in", join(root, "near"));
  execFileSync("mkfifo", [join(root, "fifo")], { env: foreignEnv() });
  for (const name of ["out", "file", "none", "fifo", ".."]) {
    t.equal(await openFolder(root, join(root, name)), null, name);
  }
  for (const [within, path] of [
    [root, root], [root, join(root, "near")], ["/", outside],
  ] as const) {
    const folder = await openFolder(within, path);
    t.not(folder, null, path);
    await folder?.close();
  }
  const folder = (await openFolder(root, join(root, "in")))!;
  renameSync(join(root, "in"), join(root, "moved"));
  symlinkSync(outside, join(root, "in"));
  t.strictSame(readdirSync(pathOf(folder)), ["a"]);
  await folder.close();
});
