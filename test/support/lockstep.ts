/**
 * Runs many raw conversations at once, step by step together: after each step it waits until the
 * server has read what was sent, so that pieces sent apart are read apart. What a connection does
 * not show in time is part of what it has received, not an error.
 */
import { writeSync } from "node:fs";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { DEADLINE_MS } from "./deadline.ts";
import type { RawTarget } from "./raw-client.ts";
import type { End, Step } from "./transcript.ts";

/** Sent when all that was expected has come, where the connection must still be usable. */
const PROBE = Buffer.from("GET /probe HTTP/1.1\r\nHost: a.test\r\n\r\n");
const DATE = /\w{3}, \d{2} \w{3} \d{4} [\d:]{8} GMT/g;
/** How long a step waits for bytes that the server may never read, since it has closed. */
const STEP_MS = 4;

export interface Talk {
  readonly target: RawTarget;
  readonly steps: readonly Step[];
  readonly expected: string;
  /** What the probe's answer must be. */
  readonly probed: string;
  readonly end: End;
}

/** All that came, as `expected` would have it, and how the connection ended if not as it should. */
export async function runTalks(
  talks: readonly Talk[],
  bytesRead: () => number,
): Promise<string[]> {
  const lines = talks.map((talk) => new Line(talk));
  await Promise.all(lines.map((line) => line.connected));
  while (lines.some((line) => line.hasSteps)) {
    const before = bytesRead();
    let sent = 0;
    for (const line of lines) sent += line.step();
    await wasRead(() => bytesRead() - before >= sent);
  }
  return await Promise.all(lines.map((line) => line.result()));
}

async function wasRead(isRead: () => boolean): Promise<void> {
  const end = performance.now() + STEP_MS;
  do await new Promise((resolve) => setImmediate(resolve));
  while (!isRead() && performance.now() < end);
}

class Line {
  readonly connected: Promise<void>;
  readonly #talk: Talk;
  readonly #socket: Socket;
  readonly #wanted: number;
  readonly #deadline = performance.now() + DEADLINE_MS;
  #at = 0;
  #received = "";
  #isProbed = false;
  #isOver = false;
  #trouble = "";
  #finish: () => void = () => undefined;
  readonly #finished: Promise<void>;

  constructor(talk: Talk) {
    const { host = "127.0.0.1", port = 0, path } = talk.target;
    this.#talk = talk;
    this.#wanted = lengthOf(talk.expected);
    this.#finished = new Promise((resolve) => (this.#finish = resolve));
    const address = path === undefined ? { host, port, noDelay: true } : { path };
    this.#socket = connect({ ...address, allowHalfOpen: true });
    this.connected = new Promise((resolve) => {
      this.#socket.once("connect", resolve).once("close", resolve);
    });
    this.#socket.on("data", (data: Buffer) => {
      this.#received += data.toString("latin1");
      this.#look();
    });
    this.#socket.on("end", () => this.#over(talk.end === "closed" ? "" : "[FIN]"));
    this.#socket.on("error", (error: NodeJS.ErrnoException) => this.#over(`[${error.code}]`));
    this.#socket.on("close", () => this.#over(talk.end === "gone" ? "" : "[closed]"));
  }

  get hasSteps(): boolean {
    return !this.#isOver && this.#at < this.#talk.steps.length;
  }

  /** Does what is next and returns how many bytes the server now has to read. */
  step(): number {
    if (!this.hasSteps) return 0;
    const step = this.#talk.steps[this.#at]!;
    if (step.kind === "await" && !this.#received.includes(step.text)) {
      if (performance.now() > this.#deadline) this.#over(`[no ${JSON.stringify(step.text)}]`);
      return 0;
    }
    this.#at++;
    if (step.kind === "bytes") this.#send(step.bytes);
    else if (step.kind === "half-close") this.#socket.end();
    else if (step.kind === "reset") this.#reset();
    this.#look();
    return step.kind === "bytes" ? step.bytes.length : 0;
  }

  /**
   * Past Node.js, which drops what has come and was not read yet when a write fails: the server may
   * have answered and closed before all was sent to it.
   */
  #send(bytes: Buffer): void {
    const { _handle: handle } = this.#socket as unknown as { _handle: { fd: number } | null };
    let sent = 0;
    try {
      if (this.#socket.writableLength === 0) sent = writeSync(handle?.fd ?? -1, bytes);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") {
        this.#at = this.#talk.steps.length; // nobody takes any more
        return;
      }
    }
    if (sent < bytes.length) this.#socket.write(bytes.subarray(sent));
  }

  /** A Unix socket has no reset: what its peer writes from now on is an error all the same. */
  #reset(): void {
    if (this.#talk.target.path === undefined) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  async result(): Promise<string> {
    this.#look();
    const timer = setTimeout(() => this.#over("[still open]"), DEADLINE_MS);
    await this.#finished;
    clearTimeout(timer);
    return this.#received.replaceAll(DATE, "{date}") + this.#trouble;
  }

  /** Of a kept connection: what was expected has come, now it must answer once more. */
  #look(): void {
    if (this.#isOver || this.hasSteps || this.#talk.end !== "kept") return;
    if (!this.#isProbed && this.#received.length >= this.#wanted) {
      this.#isProbed = true;
      this.#socket.write(PROBE);
    } else if (this.#received.length >= this.#wanted + lengthOf(this.#talk.probed)) {
      this.#over("");
    }
  }

  #over(trouble: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#trouble = trouble;
    this.#socket.destroy();
    this.#finish();
  }
}

/** With dates instead of their placeholders. */
function lengthOf(expected: string): number {
  return expected.replaceAll("{date}", "Thu, 01 Jan 1970 00:00:00 GMT").length;
}
