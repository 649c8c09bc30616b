/**
 * Runs one scenario over the contenders: all servers of the scenario are up at once, each is
 * checked and warmed, and then every round measures each of them once in a new random order, so
 * that whatever changes on the machine meanwhile meets all of them.
 *
 * A window's figure is the CPU time that the server's process took during the window over the
 * requests that were answered in it. A row that fails keeps its reason and no figure.
 */
import * as autocannon from "../loads/autocannon.mjs";
import * as bulk from "../loads/bulk.mjs";
import * as churn from "../loads/churn.mjs";
import * as idle from "../loads/idle.mjs";
import * as wrk from "../loads/wrk.mjs";
import { cpuUs } from "./process.mjs";
import { check } from "./requests.mjs";
import { startContender } from "./server.mjs";
import { shuffle } from "./statistics.mjs";

const WARM_IDLE_SECONDS = 1;
const WARM_IDLE_CONNECTIONS = 64;

/** The scenario as this contender serves it: its own paths. */
function scenarioFor(contender, scenario, path) {
  const map = contender.pathOf ?? ((same) => same);
  return {
    ...scenario,
    requests: scenario.requests.map((request) => ({ ...request, path: map(path ?? request.path) })),
  };
}

/** A row is one line of a table: a contender, or its other path that it is compared with. */
function rowsOf(contender, scenario, names) {
  const base = { contender: contender.name, title: contender.title, samples: [], failure: null };
  const rows = [{ ...base, isBase: false, scenario: scenarioFor(contender, scenario) }];
  const other = scenario.compareWith;
  const hasOther = other && rows[0].scenario.requests[0].path !== other;
  if (hasOther && names.compare) {
    const title = `${contender.title}, sync`;
    const sync = scenarioFor(contender, scenario, other);
    rows.push({ ...base, title, samples: [], isBase: true, scenario: sync });
  }
  return rows;
}

function takesPart(contender, scenario) {
  const isAsked = !scenario.contenders || scenario.contenders.includes(contender.name);
  return isAsked && (!contender.scenarios || contender.scenarios.includes(scenario.name));
}

function portFor(contender, scenario, server) {
  return contender.portOf?.(scenario, server.given) ?? server.given;
}

async function measureWindow(row, target, load, options) {
  const before = cpuUs(target.pid);
  const result = await load.run(row.scenario, { ...options, ...target });
  const cpu = cpuUs(target.pid) - before;
  return {
    cpuUs: cpu / result.requests,
    requestsPerSecond: (result.requests / result.durationUs) * 1e6,
    p50Us: result.p50Us,
    p99Us: result.p99Us,
    requests: result.requests,
    ...(result.peakBytes ? { peakBytes: result.peakBytes } : {}),
  };
}

/** Runs `action` for a row unless it has failed; what it throws becomes the row's failure. */
async function attempt(row, log, action) {
  if (row.failure) return;
  try {
    await action();
  } catch (error) {
    row.failure = error.message;
    log(`  ${row.title}: FAILED: ${error.message}`);
  }
}

async function runRounds(entries, load, { rounds, seconds, core, directory, log }) {
  for (let round = 1; round <= rounds; round++) {
    for (const { row, server } of shuffle(entries)) {
      await attempt(row, log, async () => {
        const target = { port: portFor(server.contender, row.scenario, server), pid: server.pid };
        const sample = await measureWindow(row, target, load, { seconds, core, directory });
        row.samples.push(sample);
        const figures = `${sample.cpuUs.toFixed(3)} us, ${Math.round(sample.requestsPerSecond)}/s`;
        log(`  round ${round}  ${row.title.padEnd(28)} ${figures}`);
      });
    }
  }
}

/** Starts every contender and makes its rows; a contender that does not start has a failed row. */
async function startAll(contenders, scenario, options) {
  const entries = [];
  for (const contender of contenders) {
    const rows = rowsOf(contender, scenario, { compare: true });
    await attempt(rows[0], options.log, async () => {
      const { serverCore: core, directory } = options;
      const started = await startContender(contender, scenario, { core, directory });
      const server = { contender, ...started };
      for (const row of rows) entries.push({ row, server });
    });
    if (rows[0].failure) entries.push({ row: rows[0], server: null });
  }
  return entries;
}

async function prepare(entries, load, options) {
  for (const { row, server } of entries) {
    await attempt(row, options.log, async () => {
      const port = portFor(server.contender, row.scenario, server);
      if (row.scenario.load !== "bulk") await check(row.scenario, port);
      const { warmupSeconds: seconds, clientCore: core, directory } = options;
      await load.run(row.scenario, { port, pid: server.pid, seconds, core, directory });
    });
  }
}

const copyRows = (entries) =>
  entries.map(({ row, server }) => ({ row: { ...row, samples: [] }, server }));

/** What is kept of a row: its figures, not its bytes. */
const resultOf = ({ row: { scenario, ...rest } }) => rest;

async function runLoads(scenario, entries, options) {
  const { clientCore: core, directory, log, seconds } = options;
  const tools = {};
  const own = { churn, bulk }[scenario.load];
  const primary = own ?? (options.hasWrk ? wrk : autocannon);
  await prepare(entries, primary, options);
  const autocannonEntries = copyRows(entries);
  if (primary !== autocannon) {
    await runRounds(entries, primary, { rounds: options.rounds, seconds, core, directory, log });
    tools[own ? scenario.load : "wrk"] = entries.map(resultOf);
  }
  if (scenario.load === "http" && options.autocannonRounds > 0) {
    log("  autocannon:");
    const rounds = options.hasWrk ? options.autocannonRounds : options.rounds;
    await runRounds(autocannonEntries, autocannon, { rounds, seconds, core, directory, log });
    tools.autocannon = autocannonEntries.map(resultOf);
  }
  return tools;
}

/** The memory scenario: every figure takes a fresh server, alone on the machine. */
async function runIdle(scenario, contenders, options) {
  const { serverCore, clientCore, directory, log } = options;
  const rows = contenders.flatMap((each) => rowsOf(each, scenario, { compare: false }));
  for (let round = 1; round <= options.idleRounds; round++) {
    for (const [index, row] of shuffle([...rows.entries()])) {
      await attempt(row, log, async () => {
        const place = { core: serverCore, directory };
        const server = await startContender(contenders[index], scenario, place);
        const target = { port: server.given, pid: server.pid, core: clientCore };
        try {
          await check(row.scenario, target.port);
          await warmIdle(row.scenario, target, options);
          const sample = await idle.run(row.scenario, target);
          row.samples.push(sample);
          const bytes = Math.round(sample.bytesPerConnection);
          log(`  round ${round}  ${row.title.padEnd(28)} ${bytes} B`);
        } finally {
          await server.stop();
        }
      });
    }
  }
  return { idle: rows.map((row) => resultOf({ row })) };
}

/** Some traffic first, so that what a server allocates once is not counted as connections. */
async function warmIdle(scenario, { port, core }, { hasWrk, directory }) {
  const load = hasWrk ? wrk : autocannon;
  const window = { port, seconds: WARM_IDLE_SECONDS, core, directory };
  await load.run({ ...scenario, connections: WARM_IDLE_CONNECTIONS }, window);
}

/** { name, title, tools: { wrk | autocannon | churn | idle: rows } } */
export async function runScenario(scenario, contenders, options) {
  const present = contenders.filter((contender) => takesPart(contender, scenario));
  const { name, title } = scenario;
  options.log(`${name}:`);
  if (scenario.load === "idle") {
    return { name, title, tools: await runIdle(scenario, present, options) };
  }
  const entries = await startAll(present, scenario, options);
  try {
    return { name, title, tools: await runLoads(scenario, entries, options) };
  } finally {
    await Promise.all([...new Set(entries.map((e) => e.server))].map((server) => server?.stop()));
  }
}
