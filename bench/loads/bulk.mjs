/** Bodies of 100 MiB, one after the other: clients/bulk.c as the load. */
import { fileURLToPath } from "node:url";
import { peakBytes, resetPeak, runToEnd } from "../lib/process.mjs";
import { readLine } from "./result-line.mjs";

const bulk = fileURLToPath(new URL("../bin/bulk", import.meta.url));

/** The client checks each answer itself. `peakBytes` is the server's largest resident size. */
export async function run(scenario, { port, pid, seconds, core }) {
  const { mode, bytes, requests } = scenario;
  const args = [port, seconds, mode, requests[0].path, bytes].map(String);
  resetPeak(pid);
  const result = readLine(await runToEnd(bulk, args, { core }));
  return { ...result, peakBytes: peakBytes(pid) };
}
