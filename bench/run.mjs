/**
 * The benchmark: `npm run bench`. Installs its own packages if they are missing, compiles the C
 * programs, measures, and writes results/ (raw), docs/benchmarks.md and docs/benchmarks/*.svg.
 *
 * Only Node's own modules are imported at the top: the rest may not be installed yet.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "./build.mjs";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));

function install() {
  if (existsSync(here("node_modules/.package-lock.json"))) return; // npm writes it last
  const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
  const { status } = spawnSync("npm", args, { cwd: here("."), stdio: "inherit" });
  if (status !== 0) throw new Error("npm ci failed in bench/");
}

function commandLine() {
  const args = process.argv.slice(2);
  return args.length ? `npm run bench -- ${args.join(" ")}` : "npm run bench";
}

async function measure(options) {
  const { runScenario } = await import("./lib/measure.mjs");
  const { describeCommit, describeMachine } = await import("./lib/machine.mjs");
  const machine = describeMachine();
  const { rounds, seconds, windows, warmupSeconds, autocannonRounds, idleRounds } = options;
  const versions = options.contenders.map((each) => [each.name, each.version()]);
  const missing = versions.filter(([, version]) => version === null).map(([name]) => name);
  if (missing.length) console.log(`not here, so not measured: ${missing.join(", ")}`);
  const directory = mkdtempSync(join(tmpdir(), "millrace-bench-"));
  const run = {
    ...options,
    hasWrk: machine.wrk !== null,
    directory,
    log: (line) => console.log(line),
    ...(availableParallelism() < 2 ? { serverCore: null, clientCore: null } : {}),
  };
  const present = options.contenders.filter((each) => !missing.includes(each.name));
  const results = {
    date: new Date().toISOString(),
    commit: describeCommit(),
    command: commandLine(),
    isPartial: options.isPartial,
    machine,
    versions: Object.fromEntries(versions),
    options: { rounds, seconds, windows, warmupSeconds, autocannonRounds, idleRounds },
    scenarios: [],
  };
  try {
    for (const scenario of options.scenarios) {
      results.scenarios.push(await runScenario(scenario, present, run));
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  return results;
}

function save(results) {
  mkdirSync(here("results"), { recursive: true });
  const name = `${results.date.replaceAll(":", "-").slice(0, 19)}.json`;
  const file = here(`results/${name}`);
  writeFileSync(file, `${JSON.stringify(results, null, 1)}\n`);
  console.log(`results: bench/results/${name}`);
}

async function main() {
  const { scenarios } = await import("./scenarios.mjs");
  install();
  build();
  const { contenders, yardstick } = await import("./contenders/index.mjs");
  const { parseOptions, usage } = await import("./lib/options.mjs");
  const options = parseOptions(process.argv.slice(2), { scenarios, contenders, yardstick });
  if (options.help) {
    console.log(usage);
    return;
  }
  const results = options.report
    ? JSON.parse(readFileSync(options.report, "utf8"))
    : await measure(options);
  if (!options.report) save(results);
  const { writeReport } = await import("./lib/report.mjs");
  const isPublished = options.publish || !results.isPartial;
  const target = isPublished ? here("../docs") : here("results");
  const { failures } = await writeReport(results, target);
  console.log(`report: ${isPublished ? "docs" : "bench/results"}/benchmarks.md`);
  if (failures > 0) {
    console.log(`${failures} rows failed`);
    process.exitCode = 1;
  }
}

try {
  await main();
} catch (error) {
  console.error(`bench: ${error.message}`);
  process.exitCode = 1;
}
