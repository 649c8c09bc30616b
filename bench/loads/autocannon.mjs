/**
 * autocannon as the load, through its API, in a process of its own so that it can be pinned. It
 * compares bodies as it goes, which wrk does not, but its own cost is above that of the faster
 * servers and its latencies have a resolution of 1 ms.
 */
import { fileURLToPath } from "node:url";
import { runToEnd } from "../lib/process.mjs";
import { readLine } from "./result-line.mjs";

const script = fileURLToPath(new URL("./autocannon-process.mjs", import.meta.url));

const ARGUMENT_BYTES_MAX = 16_384;

export async function run(scenario, { port, seconds, core }) {
  const { body, coding } = scenario.expect;
  const bodyOf = typeof body === "function" ? body : () => body;
  const bodies = scenario.requests.map(bodyOf);
  // It shows bodies as text, which the bytes of a coding are not, and it is given them as part of
  // an argument, which the system bounds: those are compared before.
  const isShown = coding === undefined && bodies.every((each) => each.length < ARGUMENT_BYTES_MAX);
  const options = {
    url: `http://127.0.0.1:${port}`,
    connections: scenario.connections,
    pipelining: scenario.pipeline ?? 1,
    duration: seconds,
    requests: scenario.requests,
    bodies: isShown ? bodies : [],
  };
  const args = [script, JSON.stringify(options)];
  return readLine(await runToEnd(process.execPath, args, { core }));
}
