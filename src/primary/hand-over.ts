/**
 * What a process and the one that takes its place say to each other: the variable with which the
 * new one is started, and the messages on a socket between them, a line of JSON each. Thread: the
 * primary's of either process.
 */
import type { Duplex } from "node:stream";
import type { Bind } from "../options/bind.ts";

/** The variable that a process is started with when it takes the place of another one. */
export const HAND_OVER_VARIABLE = "MILLRACE_HAND_OVER";

/** An open listening socket of the old process, as the new one finds it. */
export interface HandedSocket {
  /** The listener's id. */
  readonly listener: string;
  readonly fd: number;
  /** Where the system says that it is bound. */
  readonly bound: Bind;
}

/** The value of the variable. */
export interface HandOver {
  readonly pid: number;
  /** The control socket of the server that hands over. */
  readonly control: string;
  /** The descriptor of the socket between the two. */
  readonly channel: number;
  /** Where the messages for people go on, once the old process need not read them any more. */
  readonly stderr: number;
  /** The old process is the one that systemd's watchdog watches. */
  readonly isWatched: boolean;
  readonly sockets: readonly HandedSocket[];
  /** Of listeners that have been started, whether they run: those that do are started. */
  readonly running: Readonly<Record<string, boolean>>;
}

export type HandOverMessage =
  /** New to old: it serves, and has these listeners. */
  | { readonly type: "ready"; readonly listeners: readonly string[] }
  /** Old to new: the paths are yours. */
  | { readonly type: "take" }
  /** New to old: done. The end of the channel is the answer. */
  | { readonly type: "taken" }
  /** New to old: it has not come that far. */
  | { readonly type: "failed"; readonly message: string };

/** A line is refused beyond it: the longest has the ids of 128 listeners. */
const LINE_MAX = 65_536;

export class HandOverChannel {
  readonly #stream: Duplex;
  readonly #received: HandOverMessage[] = [];
  #rest = "";
  #isOver = false;
  #wake: () => void = () => {};

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => this.#take(text));
    for (const event of ["end", "error", "close"]) stream.on(event, () => this.#end());
  }

  send(message: HandOverMessage): void {
    if (this.#stream.writable) this.#stream.write(`${JSON.stringify(message)}\n`);
  }

  /** The next message; null when the other process has closed its end, or died. */
  async receive(): Promise<HandOverMessage | null> {
    while (this.#received.length === 0 && !this.#isOver) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return this.#received.shift() ?? null;
  }

  /** What was sent before still arrives. */
  close(): void {
    this.#stream.end();
    this.#end();
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop()!;
    try {
      for (const line of lines) this.#received.push(JSON.parse(line) as HandOverMessage);
    } catch {
      this.#end();
    }
    if (this.#rest.length > LINE_MAX) this.#end();
    this.#wake();
  }

  #end(): void {
    this.#isOver = true;
    this.#wake();
  }
}
