/** Messages of connections that have left HTTP: clients/messages.c as the load. */
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { cpuUs, start } from "../lib/process.mjs";
import { readLine } from "./result-line.mjs";

const messages = fileURLToPath(new URL("../bin/messages", import.meta.url));

/** The figure is of the messages alone: the connections are open before, and still are after. */
export async function run(scenario, { port, pid, seconds, core }) {
  const { mode, connections, requests } = scenario;
  const args = [port, connections, seconds, mode, requests[0].path].map(String);
  const client = start(messages, args, { core, stdin: "pipe" });
  client.stdin.on("error", () => {}); // the client has died, which the missing line tells
  try {
    const lines = createInterface({ input: client.stdout })[Symbol.asyncIterator]();
    const { value: ready } = await lines.next();
    if (ready !== `READY ${connections}`) {
      await client.closed;
      throw new Error(`the connections could not be opened: ${client.errors()}`);
    }
    const before = cpuUs(pid);
    client.stdin.write("\n");
    const { value: result = "" } = await lines.next();
    const used = cpuUs(pid) - before;
    return { ...readLine(result), cpuUs: used };
  } finally {
    client.kill();
    await client.closed;
  }
}
