/** The command line of the benchmark. */
import { parseArgs } from "node:util";

const definitions = {
  rounds: { type: "string", default: "5" },
  seconds: { type: "string", default: "3" },
  windows: { type: "string", default: "3" },
  "warmup-seconds": { type: "string", default: "1" },
  "autocannon-rounds": { type: "string", default: "1" },
  "idle-rounds": { type: "string", default: "3" },
  cores: { type: "string", default: "0,1" },
  only: { type: "string" },
  contenders: { type: "string" },
  quick: { type: "boolean", default: false },
  publish: { type: "boolean", default: false },
  report: { type: "string" },
  help: { type: "boolean", short: "h", default: false },
};

export const usage = `npm run bench -- [options]

  --rounds N             how often all servers of a workload are measured (5)
  --seconds N            length of a window (3)
  --windows N            windows of a server in each round, of which the one with the least CPU
                         time per request counts (3)
  --warmup-seconds N     load on each server before its first window (1)
  --autocannon-rounds N  windows under autocannon, 0 for none (1)
  --idle-rounds N        measurements of memory per idle connection (3)
  --cores S,C            cores of the server and of the client (0,1)
  --only A,B             these workloads only
  --contenders A,B       these servers only; the yardstick always runs
  --quick                one short round of each, to see that everything works
  --publish              write docs/benchmarks.md also after a partial or quick run
  --report FILE          write the report from an earlier run's results; measure nothing
`;

const QUICK = {
  rounds: 1, seconds: 1, windows: 1, warmupSeconds: 1, autocannonRounds: 1, idleRounds: 1,
};

function count(values, name, least) {
  const number = Number(values[name]);
  if (Number.isInteger(number) && number >= least) return number;
  throw new Error(`--${name} must be a whole number of at least ${least}`);
}

/** The items of a comma-separated option that are known; an unknown one throws. */
function select(list, option, known) {
  if (list === undefined) return known;
  const names = list.split(",");
  const unknown = names.find((name) => !known.some((item) => item.name === name));
  if (unknown !== undefined) {
    const choices = known.map((item) => item.name).join(", ");
    throw new Error(`--${option} ${unknown}: there are ${choices}`);
  }
  return known.filter((item) => names.includes(item.name));
}

function parseCores(text) {
  const cores = text.split(",").map(Number);
  const isCore = (core) => Number.isInteger(core) && core >= 0;
  if (cores.length === 2 && cores.every(isCore)) return cores;
  throw new Error("--cores must be two core numbers, as in 0,1");
}

export function parseOptions(args, { scenarios, contenders, yardstick }) {
  const { values } = parseArgs({ args, options: definitions });
  const [serverCore, clientCore] = parseCores(values.cores);
  const chosen = select(values.contenders, "contenders", contenders);
  return {
    rounds: count(values, "rounds", 1),
    seconds: count(values, "seconds", 1),
    windows: count(values, "windows", 1),
    warmupSeconds: count(values, "warmup-seconds", 1),
    autocannonRounds: count(values, "autocannon-rounds", 0),
    idleRounds: count(values, "idle-rounds", 1),
    ...(values.quick ? QUICK : {}),
    serverCore,
    clientCore,
    scenarios: select(values.only, "only", scenarios),
    contenders: chosen.includes(yardstick) ? chosen : [yardstick, ...chosen],
    isPartial: values.quick || values.only !== undefined || values.contenders !== undefined,
    publish: values.publish,
    report: values.report,
    help: values.help,
  };
}
