/** A connection per request: clients/churn.c as the load. */
import { fileURLToPath } from "node:url";
import { runToEnd } from "../lib/process.mjs";
import { readLine } from "./result-line.mjs";

const churn = fileURLToPath(new URL("../bin/churn", import.meta.url));

export async function run(scenario, { port, seconds, core }) {
  const args = [port, scenario.connections, seconds, scenario.requests[0].path].map(String);
  return readLine(await runToEnd(churn, args, { core }));
}
