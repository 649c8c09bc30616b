/** Idle connections: clients/idle.c opens and holds them while the server's memory is read. */
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { residentBytes, start } from "../lib/process.mjs";

const idle = fileURLToPath(new URL("../bin/idle", import.meta.url));
/** For a runtime to collect what only opening the connections needed. */
const SETTLE_MS = 1000;

async function nextNumber(lines, word) {
  const { value = "" } = await lines.next();
  const [said, number] = value.split(" ");
  if (said !== word) throw new Error(`the idle client said "${value}" instead of ${word}`);
  return Number(number);
}

/** Resident bytes per idle connection. */
export async function run(scenario, { port, pid, core }) {
  await sleep(SETTLE_MS);
  const before = residentBytes(pid);
  const args = [port, scenario.connections, scenario.requests[0].path].map(String);
  const client = start(idle, args, { core, stdin: "pipe" });
  client.stdin.on("error", () => {}); // the client has died, which the missing line tells
  try {
    const lines = createInterface({ input: client.stdout })[Symbol.asyncIterator]();
    const ready = await nextNumber(lines, "READY");
    if (ready !== scenario.connections) throw new Error(`only ${ready} connections answered`);
    await sleep(SETTLE_MS);
    const bytes = (residentBytes(pid) - before) / scenario.connections;
    client.stdin.end("\n");
    const still = await nextNumber(lines, "STILL");
    if (still !== ready) throw new Error(`${ready - still} connections were closed meanwhile`);
    return { bytesPerConnection: bytes };
  } finally {
    client.kill();
    await client.closed;
  }
}
