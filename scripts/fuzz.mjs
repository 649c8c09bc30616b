/**
 * The fuzzers of test/fuzz for as long as asked for: `npm run fuzz -- --minutes 10 --seed 1`. Each
 * batch has the next seed, and 0, 1 or 3 workers in turn. `--sanitize` runs them on the addon built
 * with sanitizers. Needs a build. The exit code is 1 if anything was found.
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { buildSanitized, sanitizedEnv } from "./sanitized.mjs";
import { tryRun } from "./support.mjs";

const ROUNDS = 1000;
const WORKERS = [0, 1, 3];

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    seed: { type: "string", default: String(Date.now() % 1e9) },
    sanitize: { type: "boolean", default: false },
  },
});

if (values.sanitize && process.env.MILLRACE_SANITIZED !== "1") {
  buildSanitized();
  const args = [fileURLToPath(import.meta.url), "--minutes", values.minutes, "--seed", values.seed];
  process.exitCode = tryRun(process.execPath, args, { env: sanitizedEnv() });
} else {
  process.exitCode = await fuzz(Number(values.minutes), Number(values.seed));
}

async function fuzz(minutes, firstSeed) {
  const { fuzzFraming, fuzzBoundaries } = await import("../dist/test/support/fuzz/fuzz.js");
  const end = Date.now() + minutes * 60_000;
  let found = 0;
  for (let batch = 0; Date.now() < end; batch++) {
    const given = { seed: firstSeed + batch, rounds: ROUNDS, workers: WORKERS[batch % 3] };
    for (const run of [fuzzFraming, fuzzBoundaries]) {
      const findings = await withOwner((owner) => run(owner, given));
      found += findings.length;
      for (const finding of findings) process.stdout.write(`${JSON.stringify(finding)}\n`);
    }
    process.stdout.write(`${JSON.stringify(given)}: ${found} findings so far\n`);
  }
  return found === 0 ? 0 : 1;
}

/** What tap does for a test: undoes what was set up, the last first. */
async function withOwner(run) {
  const undo = [];
  try {
    return await run({ teardown: (each) => undo.unshift(each) });
  } finally {
    for (const each of undo) await each();
  }
}
