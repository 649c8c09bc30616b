/**
 * Profiles the real server under load: `npm run profile:<tool> [-- options]`.
 *
 * doctor, flame, bubbleprof and heap are Clinic's. They see one thread, so they run with
 * `--workers 0`, which serves on the primary's own loop. cpu is Node's `--cpu-prof`: one profile
 * per thread of a server with workers, for speedscope. Clinic, speedscope and the load generator
 * are packages of bench/. The server is started, loaded and stopped from here, and a run that left
 * no profile fails.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync } from "node:fs";
import { connect } from "node:net";
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { freePort, tree } from "../bench/lib/process.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const file = (name) => join(root, name);
const CLI = file("dist/src/cli/main.js");
const CLINIC = file("bench/node_modules/clinic/bin.js");
const SPEEDSCOPE = "bench/node_modules/.bin/speedscope";
const OUTPUT = file(".clinic");

const READY_TIMEOUT_MS = 30_000;
/** Bubbleprof takes this long to draw a busy server; the others are done in seconds. */
const ANALYSIS_TIMEOUT_MS = 300_000;
/** Samples below this are none: headers of empty files. */
const SAMPLES_BYTES_MIN = 1024;

/** Our names and Clinic's. */
const CLINIC_TOOLS = {
  doctor: "doctor",
  flame: "flame",
  bubbleprof: "bubbleprof",
  heap: "heapprofiler",
};

const USAGE = `npm run profile:doctor|flame|bubbleprof|heap|cpu [-- options]

  --app FILE         the app to serve (bench/apps/millrace.mjs)
  --path PATH        what is requested (/)
  --seconds N        length of the load (5)
  --connections N    connections of the load (50)
  --workers N        worker threads (0; with cpu 2)
`;

function readOptions() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      app: { type: "string", default: "bench/apps/millrace.mjs" },
      path: { type: "string", default: "/" },
      seconds: { type: "string", default: "5" },
      connections: { type: "string", default: "50" },
      workers: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const [tool] = positionals;
  const isKnown = tool === "cpu" || Object.hasOwn(CLINIC_TOOLS, tool ?? "");
  if (values.help || !isKnown) {
    console.log(USAGE);
    process.exit(values.help ? 0 : 2);
  }
  return { ...values, tool, workers: values.workers ?? (tool === "cpu" ? "2" : "0") };
}

function install() {
  if (!existsSync(CLI)) throw new Error("the server is not built: run npm ci first");
  if (existsSync(CLINIC)) return;
  const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
  const { status } = spawnSync("npm", args, { cwd: file("bench"), stdio: "inherit" });
  if (status !== 0) throw new Error("npm ci failed in bench/");
}

/** The command under the profiler, and the environment that makes the profiler work. */
function commandFor({ tool, app, workers }, port) {
  const serve = [CLI, "serve", app, "--port", String(port), "--workers", workers];
  if (tool === "cpu") {
    const directory = join(OUTPUT, `cpu-${Date.now()}`);
    const args = ["--cpu-prof", "--cpu-prof-dir", directory, ...serve];
    return { args, directory, env: {} };
  }
  const config = ["--config", file("bench/profile.config.mjs")];
  const clinic = [CLINIC, CLINIC_TOOLS[tool], "--open=false", "--dest", OUTPUT, "--"];
  const args = [...clinic, process.execPath, ...serve, ...config];
  // Without NO_INSIGHT and without a terminal Clinic asks for consent, does nothing and exits 0.
  return { args, directory: OUTPUT, env: { NO_INSIGHT: "1" } };
}

function isAccepting(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("error", () => resolve(false)).once("connect", () => resolve(true));
    socket.once("connect", () => socket.destroy());
  });
}

async function untilReady(child, port) {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (!(await isAccepting(port))) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`);
    if (Date.now() > deadline) throw new Error("the server did not listen in time");
    await sleep(50);
  }
}

/** Autocannon in a process of its own, not to be profiled with the server. */
async function load({ path, seconds, connections }, port) {
  const options = {
    url: `http://127.0.0.1:${port}`,
    duration: Number(seconds),
    connections: Number(connections),
    requests: [{ method: "GET", path }],
    bodies: [],
  };
  const script = file("bench/loads/autocannon-process.mjs");
  const args = [script, JSON.stringify(options)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (text) => {
    output += text;
  });
  const code = await new Promise((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error(`the load ended with ${code}`);
  const result = JSON.parse(output.slice(output.indexOf("@@") + 2));
  const failed = result.connectErrors + result.statusErrors + result.timeouts;
  console.log(`load: ${result.requests} requests, ${failed} failed`);
  if (result.requests === 0) throw new Error("no request was answered");
}

/** SIGINT to the server alone: to the whole group it would count as a second one, and force. */
function interruptServer(pid) {
  const isServer = (each) => {
    const command = readFileSync(`/proc/${each}/cmdline`, "latin1").split("\0");
    return command.includes(CLI) && !command.includes(CLINIC);
  };
  const server = tree(pid).findLast(isServer);
  if (server === undefined) throw new Error("the server is gone");
  process.kill(server, "SIGINT");
}

async function untilEnd(child) {
  const ended = new Promise((resolve) => child.once("close", resolve));
  const late = sleep(ANALYSIS_TIMEOUT_MS, "late", { ref: false });
  if ((await Promise.race([ended, late])) === "late") throw new Error("the profiler did not end");
}

/** Bytes of samples behind an output: Clinic keeps them beside its report, by the same name. */
function samplesBytes(output) {
  const samples = output.replace(/\.html$/, "");
  const stat = statSync(samples, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) return stat?.size ?? 0;
  return Math.max(0, ...readdirSync(samples).map((name) => statSync(join(samples, name)).size));
}

/** What the run has left since `since`: reports of Clinic, or profiles, with samples in them. */
function outputsIn(directory, since) {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => name.endsWith(".html") || name.endsWith(".cpuprofile"))
    .map((name) => join(directory, name))
    .filter((name) => statSync(name).mtimeMs >= since)
    .filter((name) => samplesBytes(name) >= SAMPLES_BYTES_MIN);
}

function reportCpu(outputs, workers) {
  if (outputs.length < Number(workers) + 1) {
    throw new Error(`${outputs.length} profiles of ${Number(workers) + 1} threads`);
  }
  for (const output of outputs) {
    const thread = output.split(".").at(-3); // CPU.<date>.<time>.<pid>.<thread>.<n>.cpuprofile
    const whose = thread === "0" ? "primary" : `worker thread ${thread}`;
    console.log(`${whose}: ${SPEEDSCOPE} ${relative(root, output)}`);
  }
}

async function main() {
  const options = readOptions();
  install();
  mkdirSync(OUTPUT, { recursive: true });
  const since = Date.now();
  const port = await freePort();
  const { args, directory, env } = commandFor(options, port);
  const { PORT, ...inherited } = process.env; // Clinic's own autocannon would take PORT as its URL
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...inherited, ...env },
    stdio: ["ignore", "inherit", "inherit"],
  });
  try {
    await untilReady(child, port);
    await load(options, port);
    interruptServer(child.pid);
    await untilEnd(child);
  } finally {
    if (child.exitCode === null) for (const pid of tree(child.pid)) process.kill(pid, "SIGKILL");
  }
  const outputs = outputsIn(directory, since);
  if (outputs.length === 0) throw new Error(`no samples in ${relative(root, directory)}`);
  if (options.tool === "cpu") reportCpu(outputs, options.workers);
  else for (const output of outputs) console.log(`open ${relative(root, output)}`);
}

try {
  await main();
} catch (error) {
  console.error(`profile: ${error.message}`);
  process.exitCode = 1;
}
