/**
 * What the scripts share: where the repository is, and how a step is run. The scripts are plain
 * JavaScript, so that they run before anything is built.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync, utimesSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

/** The script behind a package's command, so that it is run without a shell between. */
export function binOf(name, command = name) {
  const require = createRequire(import.meta.url);
  let folder = dirname(require.resolve(name));
  while (!existsSync(join(folder, "package.json")) || !hasBin(require, folder, command)) {
    if (dirname(folder) === folder) throw new Error(`${name} has no command ${command}`);
    folder = dirname(folder);
  }
  const { bin } = require(join(folder, "package.json"));
  return join(folder, typeof bin === "string" ? bin : bin[command]);
}

function hasBin(require, folder, command) {
  const { bin } = require(join(folder, "package.json"));
  return typeof bin === "string" || bin?.[command] !== undefined;
}

/** Runs a command to its end with our output; a failure ends the script with the same code. */
export function run(command, args, options = {}) {
  const code = tryRun(command, args, options);
  if (code !== 0) process.exit(code);
}

/** The exit code of the command, 1 if it could not be started or a signal ended it. */
export function tryRun(command, args, options = {}) {
  const { status, error, signal } = spawnSync(command, args, {
    cwd: root,
    stdio: "inherit",
    ...options,
  });
  if (error !== undefined) process.stderr.write(`${command}: ${error.message}\n`);
  if (signal !== null && signal !== undefined) {
    process.stderr.write(`${command} was ended by ${signal}\n`);
  }
  return status ?? 1;
}

/** Runs a script or a package's command with this Node.js. */
export function runNode(args, options) {
  run(process.execPath, args, options);
}

/** tap's script. It compiles its set of plugins into node_modules; an install undoes that. */
export function builtTap() {
  const tap = binOf("tap");
  const stamp = join(root, ".tap/plugins");
  const timeOf = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const changes = ["node_modules/.package-lock.json", "package.json"];
  if (changes.every((path) => timeOf(stamp) > timeOf(join(root, path)))) return tap;
  runNode([tap, "build"]);
  if (existsSync(stamp)) utimesSync(stamp, new Date(), new Date());
  return tap;
}

/** How tap is told to report: a line per file, and all failures at the end. */
export const TEST_REPORT = `--reporter=${join(root, "scripts/test-report.mjs")}`;

/** The files below a folder of the repository, as paths against the root, in a stable order. */
export function filesBelow(folder, skip = ["node_modules", "build", "results", "bin"]) {
  if (!existsSync(join(root, folder))) return [];
  const files = [];
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      if (!skip.includes(entry.name)) files.push(...filesBelow(path, skip));
    } else if (entry.isFile()) {
      files.push(path);
    }
  }
  return files.sort((one, other) => (one < other ? -1 : 1));
}

/** Node-API headers beside the running Node.js, if it was installed with them. */
export function headersFolder() {
  const prefix = dirname(dirname(process.execPath));
  return existsSync(join(prefix, "include/node/node_api.h")) ? prefix : undefined;
}

/** The first URL that a child process prints; it goes on being read, so it never blocks. */
export function printedUrl(child, timeoutMs = 30_000) {
  return new Promise((resolve, reject) => {
    let output = "";
    const fail = (why) => {
      clearTimeout(overdue);
      reject(new Error(`${why}; it printed: ${output}`));
    };
    const overdue = setTimeout(() => fail(`no URL after ${timeoutMs} ms`), timeoutMs);
    child.on("exit", (code, signal) => fail(`the process ended with ${code ?? signal}`));
    child.stdout.setEncoding("utf8").on("data", (text) => {
      output += text;
      const url = /http:\/\/[^\s]+(?=\s)/.exec(output)?.[0];
      if (url === undefined) return;
      clearTimeout(overdue);
      resolve({ url, output });
    });
  });
}
