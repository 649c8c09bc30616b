/** Tests of a time of day that jumps: clocks of connections do not notice, the Date field does. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { Test } from "tap";
import { startChild } from "../support/child.ts";
import type { ChildServer } from "../support/child.ts";
import { preloaded, repositoryFile } from "../support/environment.ts";
import { ownFolder } from "../support/folder.ts";
import { get } from "../support/lifecycle.ts";

const DAY_S = 86_400;
const HOUR_MS = 3_600_000;
/** Several ticks of the clocks. */
const PAUSE_MS = 500;

interface Shifted extends ChildServer {
  /** From now on the time of day of the server is off by so much. */
  shift(seconds: number): void;
}

async function startShifted(t: Test, options: object): Promise<Shifted> {
  const folder = ownFolder(t);
  const shim = join(folder, "wall-clock.so");
  const clock = join(folder, "clock");
  const source = repositoryFile("test/support/wall-clock.c");
  execFileSync("gcc", ["-shared", "-fPIC", "-O1", "-o", shim, source]);
  writeFileSync(clock, Buffer.alloc(8));
  const env = { ...preloaded(shim), MILLRACE_TEST_CLOCK: clock };
  const server = await startChild(t, options, undefined, env);
  return {
    ...server,
    shift(seconds) {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64LE(BigInt(seconds));
      writeFileSync(clock, bytes, { flag: "r+" }); // the server has mapped it
    },
  };
}

t.test("a jump cuts nothing that is in its time", async (t) => {
  const limits = { headTimeoutMs: 60_000, bodyTimeoutMs: 60_000, idleTimeoutMs: 60_000 };
  const server = await startShifted(t, limits);
  const idle = await server.connect();
  const slow = await server.connect();
  t.equal((await idle.request(get())).status, 200);
  for (const seconds of [DAY_S, -DAY_S]) {
    slow.write(get().slice(0, 10));
    server.shift(seconds);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    const { status, header } = await idle.request(get());
    t.equal(status, 200, "an idle connection is kept");
    const shown = Date.parse(header("date") ?? "") - seconds * 1000;
    t.ok(Math.abs(shown - Date.now()) < HOUR_MS, `the jump is seen: ${header("date")}`);
    slow.write(get().slice(10));
    t.equal((await slow.response()).status, 200, "half a head is no older than before");
  }
  server.child.kill("SIGKILL");
});

t.test("a jump back keeps nothing whose time is over", async (t) => {
  const server = await startShifted(t, { idleTimeoutMs: 1000 });
  const idle = await server.connect();
  t.equal((await idle.request(get())).status, 200);
  server.shift(-DAY_S);
  t.equal(await idle.readToEnd(), "");
  server.child.kill("SIGKILL");
});
