/**
 * `millrace ctl status --watch`: the status again and again, on a terminal in place of the one
 * before, elsewhere one below the other. Runs in the process of the command.
 */
import type { ControlStatus } from "../shared/control.ts";
import { type Paint, statusText } from "./ctl-tables.ts";

export interface WatchFacts {
  readonly read: () => Promise<ControlStatus>;
  readonly intervalMs: number;
  readonly out: NodeJS.WriteStream;
  /** A terminal's keys: q ends the watching. */
  readonly keys: NodeJS.ReadStream;
  readonly paint: Paint;
  /** A line of JSON each time, on a terminal too. */
  readonly isJson: boolean;
}

const HIDE_CURSOR = "\u001b[?25l";
const SHOW_CURSOR = "\u001b[?25h";
/** To the first line, and what was there goes; the lines above the screen stay as they are. */
const HOME = "\u001b[H\u001b[J";
const FIRST_SCREEN = "\u001b[2J";
const INTERRUPT = "\u0003";

/**
 * Resolves when q, SIGINT or SIGTERM has ended it, or its reader has gone, as `head` does; rejects
 * when the server answers no more.
 */
export async function watchStatus(facts: WatchFacts): Promise<void> {
  const { out, read, intervalMs, paint, isJson } = facts;
  const ending = new AbortController();
  const isLive = out.isTTY && !isJson;
  const release = takeInput(facts, () => ending.abort());
  if (isLive) out.write(HIDE_CURSOR + FIRST_SCREEN);
  try {
    let earlier: ControlStatus | undefined;
    while (!ending.signal.aborted) {
      const status = await read();
      if (ending.signal.aborted) break;
      const text = isJson ? JSON.stringify(status) : statusText(status, paint, earlier);
      earlier = status;
      out.write(isLive ? HOME + clipped(out, text) : `${text}\n`);
      await pause(intervalMs, ending.signal);
    }
  } finally {
    release();
    if (isLive) out.write(SHOW_CURSOR);
  }
}

/** Returns what gives signals and keys back. */
function takeInput({ keys, out }: WatchFacts, end: () => void): () => void {
  const onKey = (key: Buffer): void => {
    if (key.includes("q") || key.includes(INTERRUPT)) end();
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, end);
  out.on("error", end); // for good: it may come after the last line
  const isTerminal = keys.isTTY && out.isTTY;
  if (isTerminal) keys.setRawMode(true).resume().on("data", onKey);
  return () => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, end);
    if (isTerminal) keys.off("data", onKey).pause().setRawMode(false);
  };
}

/** What fits on the screen: a line too many would scroll, and nothing would be in its place. */
function clipped(out: NodeJS.WriteStream, text: string): string {
  return out.rows > 1 ? text.split("\n").slice(0, out.rows - 1).join("\n") : text;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}
