/** From raw samples to figures: medians, ratios to the yardstick, and what became of the bounds. */
import { TOLERANCE, below, growth, idleBytesMax, partiesOf, ratioBounds } from "../bounds.mjs";
import { median, spread } from "./statistics.mjs";

const YARDSTICK = "epoll";
const MILLRACE = "millrace";
/** By what others' ratios are where the yardstick takes no part: the first that is there. */
const REFERENCES = [YARDSTICK, "node-http", "node-net", "ws", "nginx"];

export const findRow = (rows, contender, isBase = false) =>
  rows.find((row) => row.contender === contender && row.isBase === isBase);

/**
 * By round the window with the least CPU time per request: whatever else runs on a machine only
 * ever adds to it.
 */
function leastByRound({ samples }) {
  const rounds = new Map();
  for (const sample of samples) {
    const { cpuUs } = rounds.get(sample.round) ?? { cpuUs: Infinity };
    if (sample.cpuUs < cpuUs) rounds.set(sample.round, sample);
  }
  return rounds;
}

/**
 * The CPU time per request of a row as a multiple of another's: the median, and the range, over the
 * rounds in which both were measured; null where there are none.
 */
export function ratio(row, other) {
  if (!row || !other || row.failure || other.failure) return null;
  const others = leastByRound(other);
  const ratios = [...leastByRound(row)]
    .filter(([round]) => others.has(round))
    .map(([round, { cpuUs }]) => cpuUs / others.get(round).cpuUs);
  if (ratios.length === 0) return null;
  return { value: median(ratios), low: Math.min(...ratios), high: Math.max(...ratios) };
}

/** The rows that count for a scenario: wrk's, or autocannon's where wrk was not installed. */
export function mainRows(scenario) {
  const { wrk, churn, bulk, messages, idle, autocannon } = scenario.tools;
  return wrk ?? churn ?? bulk ?? messages ?? idle ?? autocannon ?? [];
}

/** The row that the others' ratios are to. */
export function referenceOf(rows) {
  return REFERENCES.map((name) => findRow(rows, name)).find((row) => row !== undefined);
}

/** One line of a table of figures per row; `failure` instead of figures where there are none. */
export function figuresOf(rows) {
  const reference = referenceOf(rows);
  return rows.map((row) => {
    const { contender, title, isBase, failure } = row;
    if (failure || !row.samples.length) return { contender, title, isBase, failure };
    const samples = [...leastByRound(row).values()];
    return {
      contender,
      title,
      isBase,
      failure: null,
      cpuUs: spread(samples, "cpuUs"),
      requestsPerSecond: median(samples.map((s) => s.requestsPerSecond)),
      p50Us: median(samples.map((s) => s.p50Us)),
      p99Us: median(samples.map((s) => s.p99Us)),
      ratio: ratio(row, reference),
      peakBytes: row.samples[0].peakBytes ? spread(row.samples, "peakBytes") : null,
    };
  });
}

export function idleFiguresOf(rows) {
  return rows.map(({ contender, title, failure, samples }) => {
    if (failure || !samples.length) return { contender, title, failure };
    return { contender, title, failure: null, bytes: spread(samples, "bytesPerConnection") };
  });
}

const AGAINST_TEXT = {
  self: " against the sync one",
  "node-http": " against node:http",
  "node-net": " against node:net in a worker thread",
  ws: " against ws on node:http",
};

function ratioVerdict(bound, scenario) {
  const rows = mainRows(scenario);
  const { own, ruler } = partiesOf(bound);
  const row = findRow(rows, own.contender, own.isBase);
  const measured = ratio(row, findRow(rows, ruler.contender, ruler.isBase));
  return {
    title: scenario.title + (AGAINST_TEXT[bound.against] ?? ""),
    bound: `at most ${bound.atMost.toFixed(2)}`,
    measured: measured && measured.value.toFixed(2),
    isReached: measured && measured.value <= bound.atMost + TOLERANCE,
  };
}

const belowText = (cheaper) => (cheaper.length ? `not below ${cheaper.join(", ")}` : "below");

function belowVerdict(scenario) {
  const rows = mainRows(scenario);
  const own = findRow(rows, MILLRACE);
  const compared = below.contenders
    .map((name) => ({ row: findRow(rows, name), result: ratio(own, findRow(rows, name)) }))
    .filter(({ result }) => result);
  const cheaper = compared.filter(({ result }) => result.value >= 1).map(({ row }) => row.title);
  const titles = compared.map(({ row }) => row.title).join(", ");
  return {
    title: `${scenario.title}: CPU per request`,
    bound: `below ${titles || "the other servers"}`,
    measured: compared.length === 0 ? null : belowText(cheaper),
    isReached: compared.length === 0 ? null : cheaper.length === 0,
  };
}

function idleVerdict(scenario) {
  const row = findRow(mainRows(scenario), MILLRACE);
  const bytes = row?.samples.length ? spread(row.samples, "bytesPerConnection").median : null;
  return {
    title: scenario.title,
    bound: `at most ${idleBytesMax}`,
    measured: bytes === null ? null : Math.round(bytes).toString(),
    isReached: bytes === null ? null : bytes <= idleBytesMax,
  };
}

/** No body is held as a whole: of all windows the one that came nearest to it counts. */
function growthVerdict(scenario) {
  const row = findRow(mainRows(scenario), MILLRACE);
  const mib = (bytes) => `${Math.round(bytes / 2 ** 20)} MiB`;
  const most = row?.samples.length ? spread(row.samples, "growthBytes").high : null;
  return {
    title: `${scenario.title}: growth of the process`,
    bound: `at most ${mib(growth.bytesMax)}`,
    measured: most === null ? null : mib(most),
    isReached: most === null ? null : most <= growth.bytesMax,
  };
}

/** { title, bound, measured, isReached } per bound; null where this run has no figure for it. */
export function verdicts(scenarios) {
  const named = (name) => scenarios.find((scenario) => scenario.name === name);
  const present = (name) => named(name) !== undefined;
  const ratios = ratioBounds
    .filter((bound) => present(bound.scenario))
    .map((bound) => ratioVerdict(bound, named(bound.scenario)));
  const comparisons = below.scenarios.filter(present).map((name) => belowVerdict(named(name)));
  const idle = present("idle") ? [idleVerdict(named("idle"))] : [];
  const growths = growth.scenarios.filter(present).map((name) => growthVerdict(named(name)));
  return [...ratios, ...comparisons, ...growths, ...idle];
}
