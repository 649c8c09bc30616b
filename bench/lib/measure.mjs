/**
 * Runs one scenario over the contenders: all servers of the scenario are up at once, each is
 * checked and warmed, and then come the rounds (rounds.mjs).
 *
 * A window's figure is the CPU time that the server's process took during the window over the
 * requests that were answered in it. A row that fails keeps its reason and no figure.
 */
import { partiesOf, ratioBounds } from "../bounds.mjs";
import * as autocannon from "../loads/autocannon.mjs";
import * as bulk from "../loads/bulk.mjs";
import * as churn from "../loads/churn.mjs";
import * as idle from "../loads/idle.mjs";
import * as messages from "../loads/messages.mjs";
import * as wrk from "../loads/wrk.mjs";
import { cpuUs, residentBytes } from "./process.mjs";
import { quietest } from "./quiet.mjs";
import { check } from "./requests.mjs";
import { pairsOf, planRound } from "./rounds.mjs";
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

function isComparedWithItself({ name: contender }, { name: scenario }) {
  return ratioBounds.some((bound) => {
    const { ruler } = partiesOf(bound);
    return bound.scenario === scenario && ruler.isBase && ruler.contender === contender;
  });
}

/** A row is one line of a table: a contender, or its other path that a bound compares it with. */
function rowsOf(contender, scenario) {
  const base = { contender: contender.name, title: contender.title, failure: null };
  const makeRow = (more) => ({ ...base, samples: [], ...more });
  const rows = [makeRow({ isBase: false, scenario: scenarioFor(contender, scenario) })];
  if (isComparedWithItself(contender, scenario)) {
    const title = `${contender.title}, sync`;
    const sync = scenarioFor(contender, scenario, scenario.compareWith);
    rows.push(makeRow({ title, isBase: true, scenario: sync }));
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
  // Some loads know better when their window has begun.
  const cpu = result.cpuUs ?? cpuUs(target.pid) - before;
  return {
    cpuUs: cpu / result.requests,
    requestsPerSecond: (result.requests / result.durationUs) * 1e6,
    p50Us: result.p50Us,
    p99Us: result.p99Us,
    requests: result.requests,
    ...(result.peakBytes
      ? { peakBytes: result.peakBytes, growthBytes: result.peakBytes - row.restBytes }
      : {}),
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

/** One window of a row; undefined if the row fails, or has failed. */
async function runWindow({ row, server }, load, { seconds, core, directory, log }) {
  let sample;
  await attempt(row, log, async () => {
    const target = { port: portFor(server.contender, row.scenario, server), pid: server.pid };
    sample = await measureWindow(row, target, load, { seconds, core, directory });
  });
  return sample;
}

/** The windows of a turn by entry; null if none is left to measure. */
async function runTurn(entries, load, options) {
  const samples = new Map();
  for (const entry of entries) {
    const sample = await runWindow(entry, load, options);
    if (sample !== undefined) samples.set(entry, sample);
  }
  return samples.size === 0 ? null : samples;
}

async function runRounds(entries, pairs, load, options) {
  for (let round = 1; round <= options.rounds; round++) {
    for (const turn of planRound(entries, pairs, options.windows, round)) {
      const windowMs = turn.length * options.seconds * 1000;
      const measure = () => runTurn(turn, load, options);
      const isPair = turn.length > 1;
      const samples = await (isPair ? quietest(measure, windowMs) : measure()) ?? new Map();
      for (const [{ row }, sample] of samples) {
        row.samples.push({ round, ...sample });
        const text = `${sample.cpuUs.toFixed(3)} us, ${Math.round(sample.requestsPerSecond)}/s`;
        options.log(`  round ${round}  ${row.title.padEnd(28)} ${text}`);
      }
    }
  }
}

/** Starts every contender and makes its rows; a contender that does not start has a failed row. */
async function startAll(contenders, scenario, options) {
  const entries = [];
  for (const contender of contenders) {
    const rows = rowsOf(contender, scenario);
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
      row.restBytes = residentBytes(server.pid); // before the first request
      const checksItself = ["bulk", "messages"].includes(row.scenario.load);
      if (!checksItself) await check(row.scenario, port);
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
  const { clientCore: core, directory, log, rounds, seconds, windows } = options;
  const window = { seconds, core, directory, log };
  const tools = {};
  const own = { churn, bulk, messages }[scenario.load];
  const primary = own ?? (options.hasWrk ? wrk : autocannon);
  await prepare(entries, primary, options);
  const autocannonEntries = copyRows(entries);
  if (primary !== autocannon) {
    const pairs = pairsOf(scenario.name, entries);
    await runRounds(entries, pairs, primary, { ...window, rounds, windows });
    tools[own ? scenario.load : "wrk"] = entries.map(resultOf);
  }
  if (scenario.load === "http" && options.autocannonRounds > 0) {
    log("  autocannon:");
    const isMain = primary === autocannon;
    await runRounds(
      autocannonEntries,
      isMain ? pairsOf(scenario.name, autocannonEntries) : [],
      autocannon,
      {
        ...window,
        rounds: isMain ? rounds : options.autocannonRounds,
        windows: isMain ? windows : 1,
      },
    );
    tools.autocannon = autocannonEntries.map(resultOf);
  }
  return tools;
}

/** The memory scenario: every figure takes a fresh server, alone on the machine. */
async function runIdle(scenario, contenders, options) {
  const { serverCore, clientCore, directory, log } = options;
  const rows = contenders.flatMap((each) => rowsOf(each, scenario));
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
