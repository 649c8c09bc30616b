/**
 * The transcripts of test/conformance/http1, over TCP and a Unix socket, with one worker and with
 * three, each whole, byte by byte, and if it is short cut in two at every position. Many
 * connections go on at once; what comes back must be the same each time, byte for byte.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { Test } from "tap";
import { sanitized, repositoryFile } from "../support/environment.ts";
import { ownFolder } from "../support/folder.ts";
import { until } from "../support/deadline.ts";
import { runTalks } from "../support/lockstep.ts";
import type { Talk } from "../support/lockstep.ts";
import { startServer } from "../support/server.ts";
import type { TestServer } from "../support/server.ts";
import { parseTranscripts } from "../support/transcript.ts";
import type { Step, Transcript } from "../support/transcript.ts";

const FOLDER = repositoryFile("test/conformance/http1");
const APP = repositoryFile("test/fixtures/http1-app.mjs");
/** Longer ones are cut into fewer pieces: each position of a long run tells nothing new. */
const SPLIT_BYTES_MAX = 96;
const BYTEWISE_BYTES = 1500;
const PIECE_BYTES = 997;
/** Connections that are open at once. */
const BATCH = 240;
const PROBED = "HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Type: text/plain;charset=UTF-8\r\n" +
  "Content-Length: 5\r\n\r\nprobe";

const transcripts = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".md") && name !== "README.md")
  .sort()
  .flatMap((name) => parseTranscripts(name, readFileSync(join(FOLDER, name), "utf8")));
const optionSets = [...new Set(transcripts.map(({ options }) => JSON.stringify(options)))];

interface Run extends Talk {
  readonly transcript: Transcript;
  readonly way: string;
}

t.test("there are at least 150, each with a name of its own", async (t) => {
  t.ok(transcripts.length >= 150, `${transcripts.length} transcripts`);
  t.equal(new Set(transcripts.map(({ title }) => title)).size, transcripts.length);
});

for (const workers of [1, 3]) {
  t.test(`${workers} workers`, async (t) => {
    const folder = ownFolder(t);
    const listeners = optionSets.flatMap((options, index) => {
      const settings = { announceKeepAlive: false, ...JSON.parse(options) };
      return [
        { id: `tcp-${index}`, host: "127.0.0.1", port: 0, ...settings },
        { id: `unix-${index}`, path: join(folder, `${index}.sock`), ...settings },
      ];
    });
    const started = await startServer(t, { app: APP, workers, listeners });
    for (const kind of ["tcp", "unix"]) {
      await t.test(kind, async (t) => await runAll(t, started, kind));
    }
    await until("no connection to be left", () =>
      started.server.stats().listeners.every(({ connections }) => connections === 0));
  });
}

async function runAll(t: Test, { server }: TestServer, kind: string): Promise<void> {
  const bytesRead = (): number =>
    server.stats().listeners.reduce((sum, { bytesIn }) => sum + bytesIn, 0);
  const runs = transcripts.flatMap((transcript) => {
    const id = `${kind}-${optionSets.indexOf(JSON.stringify(transcript.options))}`;
    const target = server.listeners.find((listener) => listener.id === id) ?? {};
    const { expected, end } = transcript;
    return waysOf(transcript).map(([way, steps]): Run =>
      ({ transcript, way, steps, target, expected, probed: PROBED, end }));
  });
  // Those with as many steps together: a batch is as slow as its slowest.
  runs.sort((one, other) => one.steps.length - other.steps.length);
  const failures = new Map<Transcript, string>();
  for (let at = 0; at < runs.length; at += BATCH) {
    const batch = runs.slice(at, at + BATCH);
    const results = await runTalks(batch, bytesRead);
    for (const [index, { transcript, way, expected, end }] of batch.entries()) {
      const wanted = end === "kept" ? expected + PROBED : expected;
      if (end === "gone" || results[index] === wanted || failures.has(transcript)) continue;
      failures.set(transcript, `${way}\n${results[index]}`);
    }
  }
  for (const transcript of transcripts) {
    const { place, title, expected, end } = transcript;
    const wanted = end === "kept" ? expected + PROBED : expected;
    const name = `${place}: ${title}`;
    if (failures.has(transcript)) t.fail(name, { wanted, got: failures.get(transcript) });
    else t.pass(name);
  }
}

/** The same bytes in different pieces. */
function waysOf({ steps }: Transcript): [string, Step[]][] {
  const length = steps
    .reduce((sum, step) => sum + (step.kind === "bytes" ? step.bytes.length : 0), 0);
  const ways: [string, Step[]][] = [["whole", [...steps]]];
  ways.push(["byte by byte", cut(steps, (at) => at < BYTEWISE_BYTES || at % PIECE_BYTES === 0)]);
  if (length > SPLIT_BYTES_MAX || sanitized) return ways;
  for (let place = 1; place < length; place++) {
    ways.push([`cut at ${place}`, cut(steps, (at) => at === place)]);
  }
  return ways;
}

/** Cuts before each byte whose offset `isCut` names. */
function cut(steps: readonly Step[], isCut: (at: number) => boolean): Step[] {
  const pieces: Step[] = [];
  let offset = 0;
  for (const step of steps) {
    if (step.kind !== "bytes") {
      pieces.push(step);
      continue;
    }
    let from = 0;
    for (let at = 1; at <= step.bytes.length; at++) {
      if (at < step.bytes.length && !isCut(offset + at)) continue;
      pieces.push({ kind: "bytes", bytes: step.bytes.subarray(from, at) });
      from = at;
    }
    offset += step.bytes.length;
  }
  return pieces;
}
