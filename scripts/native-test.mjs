/**
 * Compiles every native-bindings/test/*.cc with the core and runs it, once under ThreadSanitizer
 * and once under AddressSanitizer with UndefinedBehaviorSanitizer. What needs the parser, which
 * lives in Node.js, lies in test/in-node/: such a test is a shared object that a Node.js process
 * loads, under AddressSanitizer only, since ThreadSanitizer cannot be loaded late. Those of
 * engines, in-node/engine-*.cc, run under ThreadSanitizer too, linked with test/alone/llhttp.cc.
 * Arguments choose: names of tests, `thread`, `address`.
 */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import { filesBelow, root, tryRun } from "./support.mjs";

const CFLAGS = [
  "-std=c++20", "-fno-exceptions", "-fno-rtti", "-Wall", "-Wextra", "-Werror",
  "-Wno-unused-parameter", "-g", "-O1", "-fno-omit-frame-pointer", "-fPIC",
  "-I", join(root, "native-bindings"),
];
const VARIANTS = {
  thread: ["-fsanitize=thread"],
  address: ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"],
};
const ENV = {
  TSAN_OPTIONS: "halt_on_error=1:second_deadlock_stack=1",
  ASAN_OPTIONS: "detect_leaks=1",
  UBSAN_OPTIONS: "print_stacktrace=1",
};
const NODE_ENV = { ASAN_OPTIONS: "detect_leaks=0", NODE_OPTIONS: "" };
/** Loading is running: the test's entry ends the process with its verdict. */
const LOAD = "process.dlopen({ exports: {} }, process.argv[1]); process.exitCode = 3;";
const TEST_TIMEOUT_MS = 120_000;

// Without random addresses where that is allowed: ThreadSanitizer of g++ 12 cannot map all layouts.
const SETARCH = ["setarch", "x86_64", "-R"];
const isAllowed = tryRun(SETARCH[0], [...SETARCH.slice(1), "true"], { stdio: "ignore" }) === 0;
const fixedAddresses = isAllowed ? SETARCH : [];

const nativeFiles = filesBelow("native-bindings");
const headerTime = Math.max(0, ...nativeFiles.filter((file) => file.endsWith(".h")).map(timeOf));
const core = nativeFiles.filter((file) => /^native-bindings\/core\/.*\.cc$/.test(file));
const needsNode = (file) => /\/test\/in-node\/|\/core\/(?:parser|engine)[a-z-]*\.cc$/.test(file);
const ALONE = "native-bindings/test/alone/llhttp.cc";
const isAlone = (file) => /\/test\/in-node\/engine-[a-z-]+\.cc$/.test(file);
const tests = nativeFiles
  .filter((file) => /^native-bindings\/test\/.*\.cc$/.test(file) && file !== ALONE)
  .filter((file) => isChosen(basename(file, ".cc"), false));

if (tests.length === 0) throw new Error("no native test of that name");
const failures = [];
for (const [variant, flags] of Object.entries(VARIANTS)) {
  if (!isChosen(variant, true)) continue;
  const folder = join(root, "dist/native-test", variant);
  mkdirSync(folder, { recursive: true });
  const canRun = (test) => variant === "address" || !needsNode(test) || isAlone(test);
  const runnable = tests.filter(canRun);
  const hasNodeTests = runnable.some(needsNode);
  const sources = core.filter((source) => hasNodeTests || !needsNode(source));
  const extra = variant === "thread" && hasNodeTests ? [ALONE] : [];
  await compileAll([...sources, ...extra, ...runnable], folder, flags);
  for (const test of runnable) runTest(test, variant, folder, flags);
}
const outcome = failures.length === 0 ? "all passed" : `failed: ${failures.join(", ")}`;
process.stdout.write(`native tests: ${outcome}\n`);
process.exitCode = failures.length === 0 ? 0 : 1;

function isChosen(name, isVariant) {
  const asked = process.argv.slice(2).filter((word) => word in VARIANTS === isVariant);
  return asked.length === 0 || asked.includes(name);
}

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
  const hasEngine = needsNode(test);
  const inNode = hasEngine && variant === "address";
  const program = join(folder, inNode ? `${name}.node` : name);
  const sources = [test, ...core.filter((source) => hasEngine || !needsNode(source))];
  if (hasEngine && !inNode) sources.push(ALONE);
  const objects = sources.map((source) => objectOf(source, folder));
  const linking = [...flags, inNode ? "-shared" : "-pthread", ...objects, "-o", program];
  if (tryRun("g++", linking) !== 0) process.exit(1);
  const start = Date.now();
  const code = inNode ? runInNode(program) : runAlone(program);
  const verdict = code === 0 ? "ok" : "not ok";
  process.stdout.write(`${verdict} ${name} (${variant}) ${Date.now() - start} ms\n`);
  if (code !== 0) failures.push(`${name} (${variant})`);
}

function runAlone(program) {
  const [command, ...args] = [...fixedAddresses, program];
  return tryRun(command, args, { env: { ...process.env, ...ENV }, timeout: TEST_TIMEOUT_MS });
}

function runInNode(program) {
  const library = execFileSync("gcc", ["-print-file-name=libasan.so"], { encoding: "utf8" });
  const env = { ...process.env, ...ENV, ...NODE_ENV, LD_PRELOAD: library.trim() };
  return tryRun(process.execPath, ["-e", LOAD, program], { env, timeout: TEST_TIMEOUT_MS });
}
