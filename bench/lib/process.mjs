/**
 * Child processes on a core of their own, and what /proc says about them. The server and its load
 * never share a core: what the server's process costs is then not what its client disturbs.
 */
import { spawn, spawnSync } from "node:child_process";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** Clock ticks a second in /proc/PID/stat: 100 on every Linux a user can see (USER_HZ). */
const TICKS_PER_SECOND = 100;
const ERROR_BYTES_KEPT = 4096;
const STOP_TIMEOUT_MS = 5000;

export function isInstalled(command) {
  return spawnSync("sh", ["-c", `command -v ${command}`]).status === 0;
}

const canPin = isInstalled("taskset");

/** The environment of every child: this one's, less what changes how a server or client runs. */
function childEnvironment(extra) {
  const { PORT, HOST, NODE_OPTIONS, ...rest } = process.env;
  return { ...rest, NODE_ENV: "production", ...extra };
}

/** Starts a command on one core. `errors()` is the end of what it wrote to stderr. */
export function start(file, args, { core, env = {}, cwd, stdin = "ignore" }) {
  const isPinned = canPin && core !== null;
  const command = isPinned ? "taskset" : file;
  const allArgs = isPinned ? ["-c", String(core), file, ...args] : args;
  const child = spawn(command, allArgs, {
    cwd,
    env: childEnvironment(env),
    stdio: [stdin, "pipe", "pipe"],
  });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text) => {
    errors = (errors + text).slice(-ERROR_BYTES_KEPT);
  });
  child.errors = () => errors.trim();
  child.closed = new Promise((resolve) => {
    const end = (reason) => {
      child.ended ??= reason;
      resolve(reason);
    };
    child.once("error", (error) => end(error.message));
    child.once("close", (code, signal) => end(signal ?? code));
  });
  return child;
}

/** Runs a load to its end and returns what it printed; a load that fails throws. */
export async function runToEnd(file, args, options) {
  const child = start(file, args, options);
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    output += text;
  });
  const reason = await child.closed;
  if (reason !== 0) throw new Error(`${file} ended with ${reason}: ${child.errors() || output}`);
  return output;
}

/** SIGTERM, and SIGKILL when that does not do. */
export async function stop(child) {
  if (child.ended !== undefined) return;
  child.kill("SIGTERM");
  const timeout = new AbortController();
  const late = sleep(STOP_TIMEOUT_MS, "late", { signal: timeout.signal }).catch(() => "");
  if ((await Promise.race([child.closed, late])) === "late") {
    child.kill("SIGKILL");
    await child.closed;
  }
  timeout.abort();
}

function childrenOf(pid) {
  const pids = [];
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const line = readFileSync(`/proc/${pid}/task/${thread}/children`, "latin1");
    pids.push(...line.split(" ").filter(Boolean).map(Number));
  }
  return pids;
}

/** The process and all below it: nginx has a master and a worker, others are alone. */
export function tree(pid) {
  return [pid, ...childrenOf(pid).flatMap(tree)];
}

/** User and system time of all threads so far, in microseconds. */
export function cpuUs(pid) {
  let ticks = 0;
  for (const each of tree(pid)) {
    const stat = readFileSync(`/proc/${each}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    ticks += Number(fields[11]) + Number(fields[12]); // utime and stime: fields 14 and 15
  }
  return (ticks / TICKS_PER_SECOND) * 1e6;
}

export function residentBytes(pid) {
  let kib = 0;
  for (const each of tree(pid)) {
    kib += Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${each}/status`, "latin1"))[1]);
  }
  return kib * 1024;
}

/** The largest resident size since `resetPeak`. */
export function peakBytes(pid) {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)[1]) * 1024;
}

export function resetPeak(pid) {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
}

function canListen(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

let nextPort = 3200;

/** A port that is free, and the one after it too: the yardstick listens on both. */
export async function freePort() {
  for (let tries = 0; tries < 1000; tries++) {
    const port = nextPort;
    nextPort += 2;
    if ((await canListen(port)) && (await canListen(port + 1))) return port;
  }
  throw new Error("no two free ports between 3200 and 5200");
}
