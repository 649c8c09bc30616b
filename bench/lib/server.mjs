/** A contender that runs: started on the server's core, checked until it answers, and stopped. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort, start, stop } from "./process.mjs";

const READY_TIMEOUT_MS = 15_000;
const READY_POLL_MS = 20;

function isAccepting(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

async function untilReady(child, port) {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (!(await isAccepting(port))) {
    if (child.ended !== undefined) {
      throw new Error(`the server ended with ${child.ended}: ${child.errors()}`);
    }
    if (Date.now() > deadline) throw new Error("the server did not listen in time");
    await sleep(READY_POLL_MS);
  }
}

/** Starts a contender for a scenario: { port, pid, child, stop() }. */
export async function startContender(contender, scenario, { core, directory }) {
  const given = await freePort();
  const scratch = join(directory, `${contender.name}-${given}`);
  mkdirSync(scratch, { recursive: true });
  const { file, args, env } = contender.command(given, scratch, scenario);
  const child = start(file, args, { core, env, cwd: scratch });
  child.stdout.resume();
  try {
    await untilReady(child, given);
  } catch (error) {
    await stop(child);
    throw error;
  }
  return { given, child, pid: child.pid, stop: () => stop(child) };
}
