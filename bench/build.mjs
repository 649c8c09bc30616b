/**
 * Compiles the C servers and clients into bin/, where the files that are served go, too. They
 * need gcc and a CPU with AVX2.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, statSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { writeFiles } from "./lib/served-files.mjs";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const CLIENTS = ["churn", "idle", "bulk", "messages"];
const SERVERS = ["epoll", "broadcast"];
const SOURCES = [
  ...SERVERS.map((name) => `servers/${name}.c`), ...CLIENTS.map((name) => `clients/${name}.c`),
];
const HEADERS = ["client.h", "messages.h"];
const FLAGS = ["-O2", "-march=native", "-Wall", "-Wextra", "-Wno-sign-compare", "-Werror"];

function isCurrent(binary, source) {
  const built = statSync(binary, { throwIfNoEntry: false });
  const sources = [source, ...HEADERS.map((name) => here(`clients/${name}`))];
  const changed = sources.map((file) => statSync(file).mtimeMs);
  return built !== undefined && built.mtimeMs > Math.max(...changed);
}

export function build() {
  mkdirSync(here("bin"), { recursive: true });
  for (const name of SOURCES) {
    const source = here(name);
    const binary = here(`bin/${basename(name, ".c")}`);
    if (isCurrent(binary, source)) continue;
    const { status } = spawnSync("gcc", [...FLAGS, "-o", binary, source], { stdio: "inherit" });
    if (status !== 0) throw new Error(`gcc failed on bench/${name}`);
  }
  writeFiles();
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) build();
