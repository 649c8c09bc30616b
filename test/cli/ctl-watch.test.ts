/** Tests of the live table: on a terminal, without one, and how it ends. */
import { PassThrough } from "node:stream";
import t from "tap";
import { plain } from "../../src/cli/ctl-tables.ts";
import { type WatchFacts, watchStatus } from "../../src/cli/ctl-watch.ts";
import type { ControlStatus } from "../../src/shared/control.ts";
import { until, within } from "../support/deadline.ts";

const status: ControlStatus = {
  pid: 7, version: "1.2.3", node: "v24.9.0", state: "serving", generation: 1, uptimeMs: 1000,
  connections: 0, requests: 0, listeners: [], workers: [],
};

interface Watching {
  readonly facts: WatchFacts;
  readonly keys: PassThrough & { isRaw?: boolean };
  written(): string;
  reads(): number;
}

function watching(options: { rows?: number; isJson?: boolean; failAt?: number } = {}): Watching {
  const isTTY = options.rows !== undefined;
  let written = "";
  let reads = 0;
  const out = Object.assign(new PassThrough(), { isTTY, rows: options.rows });
  out.on("data", (chunk: Buffer) => (written += chunk.toString()));
  const keys: PassThrough & { isRaw?: boolean } = Object.assign(new PassThrough(), {
    isTTY,
    setRawMode: (isRaw: boolean) => Object.assign(keys, { isRaw }),
  });
  const facts: WatchFacts = {
    read: async () => {
      if (++reads === options.failAt) throw new Error("gone");
      return { ...status, uptimeMs: reads * 1000, requests: reads };
    },
    intervalMs: 5,
    out: out as unknown as NodeJS.WriteStream,
    keys: keys as unknown as NodeJS.ReadStream,
    paint: plain,
    isJson: options.isJson ?? false,
  };
  return { facts, keys, written: () => written, reads: () => reads };
}

t.test("on a terminal each status takes the place of the one before, until q", async (t) => {
  const { facts, keys, written, reads } = watching({ rows: 40 });
  const watched = watchStatus(facts);
  await until("three rounds", () => reads() >= 3);
  t.equal(keys.isRaw, true);
  keys.write("q");
  await within("the end", watched);
  const screens = written().split("\u001b[H\u001b[J");
  t.ok(screens.length >= 3);
  t.ok(screens[0]?.startsWith("\u001b[?25l"), "the cursor is hidden");
  t.ok(written().endsWith("\u001b[?25h"), "and shown again");
  t.equal(keys.isRaw, false);
  t.equal(keys.listenerCount("data"), 0);
});

t.test("no more lines are written than the terminal has", async (t) => {
  const { facts, keys, written, reads } = watching({ rows: 3 });
  const watched = watchStatus(facts);
  await until("a round", () => reads() >= 1);
  keys.write("\u0003");
  await watched;
  const [, screen = ""] = written().split("\u001b[H\u001b[J");
  t.equal(screen.replace("\u001b[?25h", "").split("\n").length, 2);
});

t.test("without a terminal each status follows the one before, until SIGINT", async (t) => {
  const before = process.listenerCount("SIGINT");
  const { facts, written, reads } = watching();
  const watched = watchStatus(facts);
  await until("three rounds", () => reads() >= 3);
  process.kill(process.pid, "SIGINT");
  await within("the end", watched);
  t.equal(process.listenerCount("SIGINT"), before);
  t.notMatch(written(), "\u001b");
  t.ok(written().split("Millrace 1.2.3").length >= 3);
});

t.test("as JSON each status is a line", async (t) => {
  const { facts, written, reads } = watching({ isJson: true });
  const watched = watchStatus(facts);
  await until("two rounds", () => reads() >= 2);
  process.kill(process.pid, "SIGTERM");
  await within("the end", watched);
  const lines = written().trim().split("\n").map((line) => JSON.parse(line) as ControlStatus);
  t.equal(lines[1]?.requests, 2);
});

t.test("a server that answers no more ends it, and the terminal is as it was", async (t) => {
  const { facts, keys, written } = watching({ rows: 40, failAt: 2 });
  await t.rejects(watchStatus(facts), { message: "gone" });
  t.ok(written().endsWith("\u001b[?25h"));
  t.equal(keys.isRaw, false);
});

t.test("a reader that has gone ends it without an error", async (t) => {
  const { facts, reads } = watching();
  const watched = watchStatus(facts);
  await until("a round", () => reads() >= 1);
  facts.out.destroy(Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
  await within("the end", watched);
  t.ok(reads() >= 1);
});
