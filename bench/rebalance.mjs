/**
 * 64 keep-alive connections that have all landed on one of two workers, under wrk: how many
 * requests each worker answers per second before and after rebalancing, and how far they lie apart
 * at the end. `node bench/rebalance.mjs [seconds]`; ends with 1 beyond 20 %.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serve } from "../dist/src/index.js";

const CONNECTIONS = 64;
const SECONDS = Number(process.argv[2] ?? 20);
/** Of which the last ones are judged. */
const JUDGED = 5;
const APART_MAX = 0.2;

// The handler costs some 50 us, so that a worker of 64 connections has too much to do and wrk,
// on the same cores, has not. `/block` keeps its worker from getting connections meanwhile.
const APP = `
  const work = () => { let sum = 0; for (let i = 0; i < 50000; i++) sum += i; return sum; };
  export default { routes: {
    "/": () => new Response(String(work())),
    "/block": (request, context) => {
      Atomics.wait(new Int32Array(context.listener.data), 0, 0);
      return new Response("released");
    },
  } };`;

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function until(holds) {
  while (!holds()) await sleep(20);
}

function startWrk(url) {
  const args = ["-t1", `-c${CONNECTIONS}`, `-d${SECONDS + 2}s`, url];
  const child = spawn("wrk", args, { stdio: ["ignore", "pipe", "inherit"] });
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (printed += text));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", () => resolve(printed));
  });
}

function apartOf(counts) {
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  return most === 0 ? 1 : 1 - least / most;
}

function show(second, counts, connections) {
  const cells = counts.map((count, i) => `${count} requests on ${connections[i]} connections`);
  console.log(`${String(second).padStart(3)} s   ${cells.join("   ")}`);
}

/** Requests per worker and second, a row each. */
async function watch(server) {
  const rows = [];
  let before = server.stats().workers.map(({ requests }) => requests);
  for (let second = 1; second <= SECONDS; second++) {
    await sleep(1000);
    const { workers } = server.stats();
    const counts = workers.map(({ requests }, i) => requests - before[i]);
    before = workers.map(({ requests }) => requests);
    show(second, counts, workers.map(({ connections }) => connections));
    rows.push(counts);
  }
  return rows;
}

const folder = mkdtempSync(join(tmpdir(), "millrace-rebalance-"));
const app = join(folder, "app.mjs");
writeFileSync(app, APP);
const data = new SharedArrayBuffer(4);
const server = await serve({
  app, workers: 2, stuckMs: 50, logLevel: "silent",
  listeners: [{ id: "bench", host: "127.0.0.1", port: 0, data }],
});
server.events.on("rebalance", ({ from, to, connections }) =>
  console.log(`        ${connections} connections go from worker ${from} to worker ${to}`));
try {
  const url = server.url.replace(/\/$/, "");
  const blocked = fetch(`${url}/block`, { headers: { connection: "close" } });
  await until(() => server.stats().workers.some(({ state }) => state === "stuck"));
  const report = startWrk(`${url}/`);
  await until(() => server.stats().listeners[0].connections > CONNECTIONS);
  Atomics.store(new Int32Array(data), 0, 1);
  Atomics.notify(new Int32Array(data), 0);
  await (await blocked).text();
  const rows = (await watch(server)).slice(-JUDGED);
  console.log(await report);
  const sums = [0, 1].map((worker) => rows.reduce((sum, row) => sum + row[worker], 0));
  const apart = apartOf(sums);
  console.log(`the last ${rows.length} s: ${sums.join(" and ")} requests, ` +
    `${(apart * 100).toFixed(1)} % apart, at most ${APART_MAX * 100} % are allowed`);
  if (apart > APART_MAX) process.exitCode = 1;
} finally {
  await server.close({ force: true });
  rmSync(folder, { recursive: true });
}
