/** Generated files are what their generators would write now. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { root } from "../support.mjs";

const GENERATORS = ["scripts/layout.mjs", "scripts/docs.mjs"];

export async function checkGenerated() {
  if (!existsSync(join(root, "dist/src/options.js"))) return ["dist/ is missing: npm run build"];
  return GENERATORS.flatMap((script) => {
    const args = [join(root, script), "--check"];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    return status === 0 ? [] : [stderr.trim() || `${script} --check failed`];
  });
}
