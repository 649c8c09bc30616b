/**
 * Builds all of Millrace: the addon, then the TypeScript of src/ and test/ to dist/. Output whose
 * source is gone is removed, or its tests would go on being run.
 */
import { chmodSync, existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { binOf, filesBelow, root, runNode, tryRun } from "./support.mjs";

runNode([join(root, "scripts/build-native.mjs")]);
const code = tryRun(process.execPath, [binOf("typescript", "tsc"), "-p", root]);
for (const file of [...filesBelow("dist/src"), ...filesBelow("dist/test")]) {
  const name = file.replace(/^dist\//, "");
  const source = name.replace(/\.(?:js|d\.ts|js\.map)$/, ".ts")
    .replace(/\.(?:cjs|d\.cts|cjs\.map)$/, ".cts");
  if (!existsSync(join(root, source))) rmSync(join(root, file));
}
const command = join(root, "dist/src/cli/main.js");
if (existsSync(command)) chmodSync(command, 0o755);
process.exitCode = code;
