/** Writes benchmarks.md and its charts from the results of a run. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { barChart } from "./charts.mjs";
import { figuresOf, idleFiguresOf, mainRows, referenceOf, verdicts } from "./figures.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** What the run does not measure: the end of each page. */
const BY_HAND = join(ROOT, "bench/by-hand.md");
const FAILURE_CHARACTERS_MAX = 160;

const whole = (number) => Math.round(number).toLocaleString("en-GB");
const twoDigits = (number) => number.toFixed(2);
const ratioOf = (row) => (row.ratio ? twoDigits(row.ratio.value) : "");
const plain = (text) => text.replaceAll("`", "");
/** Three significant digits: pipelined requests take fractions of a microsecond. */
const micros = (us) => (us < 10 ? us.toPrecision(3) : us.toFixed(1));

function table(head, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  const rule = head.map((_, index) => (index === 0 ? "---" : "---:"));
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}

/** A failure as one cell: one line, no paths of this machine, not too long. */
function failureCell(reason) {
  const error = /^\w*Error\b.*$/m.exec(reason ?? "")?.[0];
  const text = (error ?? reason ?? "no figure").replaceAll(ROOT, "").replace(/\/tmp\/\S*/g, "…");
  return `failed: ${text.replace(/[\s|]+/g, " ").slice(0, FAILURE_CHARACTERS_MAX)}`;
}

function padded(cells, width) {
  return [...cells, ...Array(width - cells.length).fill("")];
}

function boundsSection(scenarios) {
  const word = (isReached) => (isReached ? "reached" : "**not reached**");
  const rows = verdicts(scenarios).map(({ title, bound, measured, isReached }) => [
    title,
    bound,
    measured ?? "not measured",
    measured === null ? "" : word(isReached),
  ]);
  return table(["workload (1 worker)", "bound", "measured", ""], rows);
}

/** Contenders down, scenarios across: the ratio of each to the yardstick. */
function overviewSection(scenarios) {
  const columns = scenarios.filter(({ tools: { idle, bulk, messages } }) => (
    !idle && !bulk && !messages
  ));
  const figures = columns.map((scenario) => figuresOf(mainRows(scenario)));
  const names = new Map();
  for (const row of figures.flat()) if (!row.isBase) names.set(row.contender, row.title);
  const cell = (rows, name) => {
    const row = rows.find((each) => each.contender === name && !each.isBase);
    if (!row) return "";
    if (row.ratio) return twoDigits(row.ratio.value);
    return row.failure ? "failed" : ""; // or the yardstick takes no part
  };
  const cells = (name) => figures.map((each) => cell(each, name));
  const rows = [...names].map(([name, title]) => [title].concat(cells(name)));
  return table(["server", ...columns.map((scenario) => scenario.name)], rows);
}

const FIGURES_HEAD = ["server", "CPU us/request", "low to high", "ratio", "low to high"];
const SPEED_HEAD = ["requests/s", "p50 us", "p99 us"];

function figureCells(row) {
  if (!row.cpuUs) return [row.title, failureCell(row.failure)];
  const range = ({ low, high }, format) => `${format(low)} to ${format(high)}`;
  return [
    row.title,
    micros(row.cpuUs.median),
    range(row.cpuUs, micros),
    ratioOf(row),
    row.ratio ? range(row.ratio, twoDigits) : "",
    whole(row.requestsPerSecond),
    whole(row.p50Us),
    whole(row.p99Us),
  ];
}

function figuresTable(rows) {
  const head = [...FIGURES_HEAD, ...SPEED_HEAD];
  return table(head, figuresOf(rows).map((row) => padded(figureCells(row), head.length)));
}

/** A request is a body of 100 MiB here, and the ratio is to node:http. */
function bulkTable(rows) {
  const mib = (bytes) => (bytes / 2 ** 20).toFixed(0);
  const ms = (us) => (us / 1000).toFixed(1);
  const head = ["server", "CPU ms/100 MiB", "low to high", "to node:http", "MiB/s", "peak MiB"];
  const cells = figuresOf(rows).map((row) => {
    if (!row.cpuUs) return padded([row.title, failureCell(row.failure)], head.length);
    const { median, low, high } = row.cpuUs;
    const speed = whole(row.requestsPerSecond * 100);
    const range = `${ms(low)} to ${ms(high)}`;
    return [row.title, ms(median), range, ratioOf(row), speed, mib(row.peakBytes.high)];
  });
  return table(head, cells);
}

/** A message that came back, or one that a subscriber got. */
function messagesTable(rows) {
  const head = ["server", "CPU us/message", "low to high", `to ${referenceOf(rows)?.title}`];
  const rest = ["low to high", "messages/s", "p50 us", "p99 us"];
  const cells = figuresOf(rows).map((row) => padded(figureCells(row), head.length + rest.length));
  return table([...head, ...rest], cells);
}

function idleTable(rows) {
  const cells = idleFiguresOf(rows).map((row) =>
    row.bytes
      ? [row.title, whole(row.bytes.median), `${whole(row.bytes.low)} to ${whole(row.bytes.high)}`]
      : [row.title, failureCell(row.failure), ""],
  );
  return table(["server", "bytes per connection", "low to high"], cells);
}

function scenarioSection(scenario) {
  const { idle, bulk, messages } = scenario.tools;
  const own = (idle && idleTable) ?? (bulk && bulkTable) ?? (messages && messagesTable);
  const rows = (own ?? figuresTable)(mainRows(scenario));
  const title = scenario.title[0].toUpperCase() + scenario.title.slice(1);
  return `### ${title}\n\n![${plain(title)}](benchmarks/${scenario.name}.svg)\n\n${rows}`;
}

function autocannonSection(scenarios) {
  const head = ["workload", "server", "requests/s", "p50 ms", "p99 ms", "CPU us/request", "ratio"];
  const rows = scenarios.flatMap((scenario) =>
    figuresOf(scenario.tools.autocannon ?? []).map((row) => {
      const failed = [scenario.name, row.title, failureCell(row.failure)];
      if (!row.cpuUs) return padded(failed, head.length);
      return [
        scenario.name,
        row.title,
        whole(row.requestsPerSecond),
        (row.p50Us / 1000).toFixed(0),
        (row.p99Us / 1000).toFixed(0),
        micros(row.cpuUs.median),
        ratioOf(row),
      ];
    }),
  );
  return table(head, rows);
}

function machineSection({ machine, versions, options, date, commit, command }) {
  const rows = [
    ["date", date.slice(0, 10)],
    ["commit", commit],
    ["command", `\`${command}\``],
    ["rounds", `${options.rounds} of ${options.seconds} s, ${options.windows} windows in each`],
    ["machine", `${machine.cores} cores, ${machine.cpu}, ${machine.memoryGib} GiB`],
    ["system", `${machine.system}, Linux ${machine.kernel}, gcc ${machine.gcc}`],
    ["Node.js", machine.node],
    ["load", `wrk ${machine.wrk ?? "not installed"}, autocannon ${machine.autocannon}`],
    ...Object.entries(versions).map(([name, version]) => [name, version ?? "not installed"]),
  ];
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(["", ""]), line(["---", "---"]), ...rows.map(line)].join("\n");
}

/** How far the rounds of one server lie apart: what a reader may take for noise. */
function noiseOf(scenarios) {
  const [yardstick] = figuresOf(mainRows(scenarios[0]));
  if (!yardstick?.cpuUs) return "";
  const { low, high } = yardstick.cpuUs;
  return `On ${plain(scenarios[0].title)} the rounds of ${yardstick.title} itself went from
${micros(low)} to ${micros(high)} us in this run: where that is far apart, other work on the machine
took part, and small differences say nothing.`;
}

function page(results) {
  const { scenarios, machine } = results;
  return `# Benchmarks

Written by \`npm run bench\`; do not edit. The figure is **server CPU time per request**: user and
system time of the whole server process, all threads, from \`/proc\`, over the requests answered in
the same window. It does not depend on how fast the client is. The ratio is to the yardstick,
\`bench/servers/epoll.c\`, a C program that does the least an epoll server can do for the same
request. All servers run side by side in one run, one process or worker each, pinned to one core
with the load on another. A server is measured several times in a round, and the window with the
least CPU time per request counts, for all servers alike: whatever else runs on the machine only
ever adds to it. Each figure is the median of its rounds. Every server's answers are compared byte
by byte before it is measured, and a window with any error counts as failed. Differences below 0.03
are noise, and below 0.10 between two runs.

The speed of a machine changes within seconds. So a server that has a bound and what it is held
against are measured in pairs: two windows, one right behind the other, that begin in turn, in a new
order in each round. Servers that have no bound are measured alone, in every other round. The ratio
is the median of the ratios of the rounds, and its range is theirs. A pair in which the hypervisor
took more than 1 % of the time for other machines, by the kernel's count, is measured again after a
rest, at most three times, and the quietest takes its place.

${noiseOf(scenarios)}

${machineSection(results)}

## Bounds

A bound that is passed by 0.03 or less counts as reached.

${boundsSection(scenarios)}

## CPU time per request, as a multiple of the yardstick's

${overviewSection(scenarios)}

## Figures

Load: ${machine.wrk ? "wrk" : "autocannon"}, 64 connections, one thread.

${scenarios.map(scenarioSection).join("\n\n")}

## Under autocannon

The same with autocannon as the load, which compares every body but costs more than the faster
servers do: its requests per second are often its own limit, and its latencies whole milliseconds.

${autocannonSection(scenarios)}

${readFileSync(BY_HAND, "utf8")}`;
}

const bar = ({ contender, title }, value, label) => ({ contender, title, value, label });

function chartOf(scenario) {
  const rows = mainRows(scenario);
  const title = plain(scenario.title);
  if (scenario.tools.idle) {
    const bars = idleFiguresOf(rows)
      .filter((row) => row.bytes)
      .map((row) => bar(row, row.bytes.median, `${whole(row.bytes.median)} B`));
    return barChart(title, "less is better", bars);
  }
  const { bulk, messages } = scenario.tools;
  const reference = bulk || messages ? referenceOf(rows)?.title : "the yardstick";
  const unit = messages ? "message" : "request";
  const bars = figuresOf(rows)
    .filter((row) => row.cpuUs)
    .map((row) => bar(row, row.cpuUs.median, `${micros(row.cpuUs.median)} us  ${ratioOf(row)}`));
  return barChart(title, `server CPU time per ${unit} (multiple of ${reference}'s)`, bars);
}

/** Writes benchmarks.md and benchmarks/*.svg into a folder; says how many rows failed. */
export async function writeReport(results, folder) {
  const charts = join(folder, "benchmarks");
  mkdirSync(charts, { recursive: true });
  writeFileSync(join(folder, "benchmarks.md"), page(results));
  for (const scenario of results.scenarios) {
    writeFileSync(join(charts, `${scenario.name}.svg`), chartOf(scenario));
  }
  const rows = results.scenarios.flatMap((scenario) => Object.values(scenario.tools).flat());
  return { failures: rows.filter((row) => row.failure).length };
}
