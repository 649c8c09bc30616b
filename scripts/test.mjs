/**
 * The full test run: build, tidy, lint, then every test. With arguments it runs only these test
 * files: `npm test -- dist/test/options.test.js`.
 */
import { existsSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { binOf, root, run, runNode, tryRun } from "./support.mjs";

const files = process.argv.slice(2);
const tap = binOf("tap");

runNode([join(root, "scripts/build.mjs")]);
if (files.length === 0) {
  runNode([join(root, "scripts/tidy.mjs")]);
  run(process.execPath, [binOf("oxlint"), "--type-aware", "--deny-warnings"]);
}
buildTap();
process.exitCode = tryRun(process.execPath, [tap, ...files], { env: cleanEnv() });

/** tap compiles its set of plugins into node_modules; an install without it undoes that. */
function buildTap() {
  const stamp = join(root, ".tap/plugins");
  const install = join(root, "node_modules/.package-lock.json");
  const isBuilt = existsSync(stamp) && statSync(stamp).mtimeMs > statSync(install).mtimeMs &&
    statSync(stamp).mtimeMs > statSync(join(root, "package.json")).mtimeMs;
  if (isBuilt) return;
  runNode([tap, "build"]);
  if (existsSync(stamp)) utimesSync(stamp, new Date(), new Date());
}

/** A PORT or HOST of the surroundings would move the servers that the tests start. */
function cleanEnv() {
  const { PORT, HOST, NODE_OPTIONS, ...env } = process.env;
  return env;
}
