/**
 * Builds the addon with AddressSanitizer and UndefinedBehaviorSanitizer in a folder of its own and
 * runs the test suite on it. Arguments are test files; without any, all are run. The tests see
 * MILLRACE_SANITIZED=1 and leave out what bounds memory, or starts a browser.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { buildSanitized, sanitizedEnv } from "./sanitized.mjs";
import { TEST_REPORT, builtTap, root, tryRun } from "./support.mjs";

buildSanitized();
if (!existsSync(join(root, "dist/test"))) throw new Error("run npm run build first");
const args = [builtTap(), TEST_REPORT, "--jobs=1", "--timeout=300", ...process.argv.slice(2)];
process.exitCode = tryRun(process.execPath, args, { env: sanitizedEnv() });
