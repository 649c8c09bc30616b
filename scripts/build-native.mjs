/**
 * Builds the addon with node-gyp, incrementally, and puts it where the JavaScript loads it from.
 * Another folder and other flags, for the sanitizers, are given by scripts/sanitize.mjs.
 */
import { copyFileSync, existsSync, mkdirSync, renameSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { binOf, headersFolder, root, runNode } from "./support.mjs";

const PLATFORM = "linux-x64";

/** Builds the sources in `folder` to the file `output`. */
export function buildNative(folder, output, env = process.env) {
  const gyp = (...args) => runNode([binOf("node-gyp"), ...args], { cwd: folder, env });
  const makefile = join(folder, "build/Makefile");
  // Without headers beside Node.js, node-gyp downloads them, or finds them by its own settings.
  const headers = headersFolder();
  const nodedir = headers === undefined ? [] : [`--nodedir=${headers}`];
  const isConfigured = existsSync(makefile) &&
    statSync(makefile).mtimeMs > statSync(join(folder, "binding.gyp")).mtimeMs;
  if (!isConfigured) gyp("configure", "--loglevel=warn", ...nodedir);
  gyp("build", "--loglevel=warn", "--jobs=max", ...nodedir);
  mkdirSync(dirname(output), { recursive: true });
  // Renamed into place: writing into the old file would change the code of a process that runs it.
  const fresh = `${output}.${process.pid}`;
  copyFileSync(join(folder, "build/Release/millrace.node"), fresh);
  renameSync(fresh, output);
}

function main() {
  if (`${process.platform}-${process.arch}` !== PLATFORM) {
    process.stderr.write(`Millrace can be built on ${PLATFORM} only\n`);
    process.exit(1);
  }
  buildNative(join(root, "native-bindings"), join(root, "dist/native", PLATFORM, "millrace.node"));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
