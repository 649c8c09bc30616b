/**
 * The full test run: build, tidy, lint, then every test. With arguments it runs only these test
 * files: `npm test -- dist/test/options.test.js`. What failed is said once more at the very end.
 */
import { join } from "node:path";
import { TEST_REPORT, binOf, builtTap, root, run, runNode, tryRun } from "./support.mjs";

const files = process.argv.slice(2);

runNode([join(root, "scripts/build.mjs")]);
if (files.length === 0) {
  runNode([join(root, "scripts/tidy.mjs")]);
  run(process.execPath, [binOf("oxlint"), "--type-aware", "--deny-warnings"]);
}
const args = [builtTap(), TEST_REPORT, ...files];
process.exitCode = tryRun(process.execPath, args, { env: cleanEnv() });

/** A PORT or HOST of the surroundings would move the servers that the tests start. */
function cleanEnv() {
  const { PORT, HOST, NODE_OPTIONS, ...env } = process.env;
  return env;
}
