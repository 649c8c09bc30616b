/** wrk as the load: one thread, latencies in microseconds. Only when it is installed. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runToEnd } from "../lib/process.mjs";
import { writesOf } from "../lib/requests.mjs";
import { readLine } from "./result-line.mjs";

const script = fileURLToPath(new URL("../lua/requests.lua", import.meta.url));

/** The version, or null where wrk is not installed. */
export function version() {
  const output = spawnSync("wrk", ["-v"], { encoding: "utf8" }).stdout;
  return output ? (/^wrk (?:\w+\/)?(\S+)/.exec(output)?.[1] ?? "unknown") : null;
}

export async function run(scenario, { port, seconds, core, directory }) {
  const file = join(directory, `${scenario.name}-${port}.requests`);
  const entries = writesOf(scenario, port).map((bytes) => `${Buffer.byteLength(bytes)}\n${bytes}`);
  writeFileSync(file, entries.join(""));
  const args = [
    "--threads=1",
    `--connections=${scenario.connections}`,
    `--duration=${seconds}s`,
    "--timeout=5s",
    `--script=${script}`,
    `http://127.0.0.1:${port}/`,
    "--",
    file,
  ];
  return readLine(await runToEnd("wrk", args, { core }));
}
