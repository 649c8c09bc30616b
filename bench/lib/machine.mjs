/** What a figure was measured on: the machine and the versions, without names or paths. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import os from "node:os";
import { fileURLToPath } from "node:url";
import * as wrk from "../loads/wrk.mjs";
import { packageVersion } from "../contenders/paths.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));

function firstLine(command, ...args) {
  const { stdout } = spawnSync(command, args, { encoding: "utf8", cwd: root });
  return stdout?.split("\n")[0].trim() || null;
}

function distribution() {
  try {
    return /^PRETTY_NAME="(.*)"$/m.exec(readFileSync("/etc/os-release", "utf8"))[1];
  } catch {
    return os.type();
  }
}

export function describeMachine() {
  const cpus = os.cpus();
  return {
    cpu: cpus[0].model,
    cores: cpus.length,
    memoryGib: Math.round(os.totalmem() / 2 ** 30),
    kernel: os.release().split("-")[0], // the rest names the builder
    system: distribution(),
    node: process.version,
    gcc: firstLine("gcc", "-dumpfullversion"),
    wrk: wrk.version(),
    autocannon: packageVersion("autocannon"),
  };
}

export function describeCommit() {
  const commit = firstLine("git", "rev-parse", "--short=12", "HEAD");
  if (!commit) return "none";
  return firstLine("git", "status", "--porcelain") ? `${commit}, with changes` : commit;
}
