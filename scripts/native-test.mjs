/**
 * Compiles every native-bindings/test/*.cc with the core and runs it, once under ThreadSanitizer
 * and once under AddressSanitizer with UndefinedBehaviorSanitizer. Node.js is not involved.
 * Arguments choose: names of tests, `thread`, `address`.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import { filesBelow, root, tryRun } from "./support.mjs";

const CFLAGS = [
  "-std=c++20", "-fno-exceptions", "-fno-rtti", "-Wall", "-Wextra", "-Werror",
  "-Wno-unused-parameter", "-g", "-O1", "-fno-omit-frame-pointer", "-fPIE",
  "-I", join(root, "native-bindings"),
];
// The parser's functions live in Node.js; a native test must not reach them.
const LDFLAGS = ["-pie", "-pthread", "-Wl,--unresolved-symbols=ignore-all"];
const VARIANTS = {
  thread: ["-fsanitize=thread"],
  address: ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"],
};
const ENV = {
  TSAN_OPTIONS: "halt_on_error=1:second_deadlock_stack=1",
  ASAN_OPTIONS: "detect_leaks=0",
  UBSAN_OPTIONS: "print_stacktrace=1",
};

// Without random addresses where that is allowed: ThreadSanitizer of g++ 12 cannot map all layouts.
const SETARCH = ["setarch", "x86_64", "-R"];
const isAllowed = tryRun(SETARCH[0], [...SETARCH.slice(1), "true"], { stdio: "ignore" }) === 0;
const fixedAddresses = isAllowed ? SETARCH : [];

const isChosen = (name, kind) => {
  const asked = process.argv.slice(2).filter((word) => word in VARIANTS === kind);
  return asked.length === 0 || asked.includes(name);
};
const nativeFiles = filesBelow("native-bindings");
const headerTime = Math.max(0, ...nativeFiles.filter((file) => file.endsWith(".h")).map(timeOf));
const core = nativeFiles.filter((file) => /^native-bindings\/core\/.*\.cc$/.test(file));
const tests = nativeFiles
  .filter((file) => /^native-bindings\/test\/.*\.cc$/.test(file))
  .filter((file) => isChosen(basename(file, ".cc"), false));

if (tests.length === 0) throw new Error("no native test of that name");
let failures = 0;
for (const [variant, flags] of Object.entries(VARIANTS)) {
  if (!isChosen(variant, true)) continue;
  const folder = join(root, "dist/native-test", variant);
  mkdirSync(folder, { recursive: true });
  await compileAll([...core, ...tests], folder, flags);
  for (const test of tests) runTest(test, variant, folder, flags);
}
process.stdout.write(failures === 0 ? "native tests: all passed\n" : `${failures} failed\n`);
process.exitCode = failures === 0 ? 0 : 1;

function timeOf(file) {
  return existsSync(join(root, file)) ? statSync(join(root, file)).mtimeMs : 0;
}

function objectOf(source, folder) {
  return join(folder, `${source.replace("native-bindings/", "").replaceAll("/", "-")}.o`);
}

/** As many compilers at once as there are cores; the first failure ends the script. */
async function compileAll(sources, folder, flags) {
  const due = sources.filter((source) => {
    const object = objectOf(source, folder);
    const time = existsSync(object) ? statSync(object).mtimeMs : 0;
    return time <= Math.max(timeOf(source), headerTime);
  });
  const lane = async () => {
    for (let source = due.shift(); source !== undefined; source = due.shift()) {
      await compile(source, objectOf(source, folder), flags);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, lane));
}

function compile(source, object, flags) {
  return new Promise((resolve) => {
    const args = [...CFLAGS, ...flags, "-c", join(root, source), "-o", object];
    spawn("g++", args, { stdio: "inherit" }).on("close", (code) => {
      if (code !== 0) process.exit(1);
      resolve();
    });
  });
}

function runTest(test, variant, folder, flags) {
  const name = basename(test, ".cc");
  const program = join(folder, name);
  const objects = [test, ...core].map((source) => objectOf(source, folder));
  if (tryRun("g++", [...flags, ...objects, ...LDFLAGS, "-o", program]) !== 0) process.exit(1);
  const start = Date.now();
  const [command, ...args] = [...fixedAddresses, program];
  const env = { ...process.env, ...ENV };
  const code = tryRun(command, args, { env, timeout: 300_000 });
  const verdict = code === 0 ? "ok" : "not ok";
  process.stdout.write(`${verdict} ${name} (${variant}) ${Date.now() - start} ms\n`);
  if (code !== 0) failures++;
}
