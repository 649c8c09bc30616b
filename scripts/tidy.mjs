/**
 * Checks what a machine can check of the house rules. Prints one line per finding and exits 1 if
 * there is any. It needs a build, because the documentation is generated from the compiled tables.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { filesBelow, root } from "./support.mjs";
import { checkErrorCodes } from "./tidy/error-codes.mjs";
import { checkFunctions } from "./tidy/functions.mjs";
import { checkGenerated } from "./tidy/generated.mjs";
import { checkImports } from "./tidy/imports.mjs";
import { checkLines } from "./tidy/lines.mjs";
import { maskedText } from "./tidy/mask.mjs";
import { checkMirror } from "./tidy/mirror.mjs";

const FOLDERS = ["src", "native-bindings", "test", "bench", "scripts", "examples"];
const SOURCE = /\.(ts|mjs|js|cc|h|c)$/;

const files = FOLDERS
  .flatMap((folder) => filesBelow(folder))
  .filter((path) => SOURCE.test(path))
  .map((path) => {
    const text = readFileSync(join(root, path), "utf8");
    return { path, text, masked: maskedText(text, /\.(cc|h|c)$/.test(path)) };
  });

const findings = [
  ...checkLines(files),
  ...checkFunctions(files),
  ...checkImports(files),
  ...checkMirror(files),
  ...checkErrorCodes(files),
  ...await checkGenerated(),
];
for (const finding of findings) process.stdout.write(`${finding}\n`);
process.stdout.write(`tidy: ${files.length} files, ${findings.length} findings\n`);
process.exitCode = findings.length === 0 ? 0 : 1;
