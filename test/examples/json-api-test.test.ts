/** The example of an app's own tests passes, and fails with an app that is another. */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { cleanEnv, repositoryFile } from "../support/environment.ts";
import { ownFolder } from "../support/folder.ts";

const EXAMPLE = repositoryFile("examples/json-api-test.mjs");

const run = (file: string): { status: number | null; text: string } => {
  const env = cleanEnv({ NODE_OPTIONS: "", NODE_TEST_CONTEXT: undefined });
  const { status, stdout } = spawnSync(process.execPath, ["--test", file], {
    env, encoding: "utf8",
  });
  return { status, text: stdout };
};

void t.test("its tests pass, and the process ends by itself", (t) => {
  const { status, text } = run(EXAMPLE);
  t.equal(status, 0);
  t.match(text, /fail 0/);
  t.end();
});

void t.test("they fail with an app that forgets its notes", (t) => {
  const folder = ownFolder(t);
  const source = readFileSync(repositoryFile("examples/json-api.mjs"), "utf8");
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(repositoryFile("."), join(folder, "node_modules/millrace"));
  writeFileSync(join(folder, "json-api.mjs"), source.replace("notes.set(", "void ("));
  copyFileSync(EXAMPLE, join(folder, "json-api-test.mjs"));
  const { status, text } = run(join(folder, "json-api-test.mjs"));
  t.equal(status, 1);
  t.match(text, /not ok/);
  t.end();
});
