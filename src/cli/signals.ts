/**
 * Signals on the command line: the first SIGINT or SIGTERM drains, the second one ends what still
 * runs; SIGHUP loads the app anew, unless it came because the terminal was closed. Runs in the
 * primary.
 */
import { closeSync, openSync } from "node:fs";
import { constants } from "node:os";
import type { DrainOptions, ReloadResult, StopOptions } from "../shared/app.ts";
import { failureText } from "./failure.ts";

/** The part of a server that signals act on. */
export interface Stoppable {
  drain(options?: DrainOptions): Promise<void>;
  close(options?: StopOptions): Promise<void>;
  reopenLogs(): Promise<void>;
  reload(): Promise<ReloadResult>;
}

export interface SignalFacts {
  /** Aborts a start that is still under way. */
  readonly abortStart: () => void;
  /** Undefined until the server listens. */
  readonly server: () => Stoppable | undefined;
  readonly say: (line: string) => void;
  readonly deadlineMs: number;
  readonly drainDelayMs: number;
  /** SIGUSR2 opens the logs again; where no file is written it is left alone. */
  readonly logsToFile: boolean;
  /** Whether the process has a terminal: SIGHUP also tells that it has been closed. */
  readonly hasTerminal: () => boolean;
}

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

export class SignalStop {
  readonly #facts: SignalFacts;
  readonly #listener: (signal: NodeJS.Signals) => void;
  #state: "running" | "draining" | "forced" = "running";
  #exitCode = 0;
  #hadTerminal = false;

  constructor(facts: SignalFacts) {
    this.#facts = facts;
    this.#listener = (signal) => this.#onSignal(signal);
  }

  /** 0, or 128 and the signal's number if a signal ended what had not finished. */
  get exitCode(): number {
    return this.#exitCode;
  }

  install(): void {
    this.#hadTerminal = this.#facts.hasTerminal();
    for (const signal of SIGNALS) process.on(signal, this.#listener);
    process.on("SIGHUP", this.#onReload);
    if (this.#facts.logsToFile) process.on("SIGUSR2", this.#onRotation);
  }

  remove(): void {
    for (const signal of SIGNALS) process.off(signal, this.#listener);
    process.off("SIGHUP", this.#onReload);
    process.off("SIGUSR2", this.#onRotation);
  }

  /** Before the server listens there is nothing to reload. */
  readonly #onReload = (): void => {
    if (this.#hadTerminal && !this.#facts.hasTerminal()) {
      this.#onSignal("SIGHUP");
      return;
    }
    this.#facts.server()?.reload().catch((error: unknown) => {
      this.#facts.say(`SIGHUP: the old version goes on, for ${failureText(error)}`);
    });
  };

  readonly #onRotation = (): void => {
    this.#facts.server()?.reopenLogs().catch((error: unknown) => {
      this.#facts.say(`the logs were not opened again: ${String(error)}`);
    });
  };

  #onSignal(signal: NodeJS.Signals): void {
    const { abortStart, say } = this.#facts;
    const server = this.#facts.server();
    const cut = 128 + constants.signals[signal];
    switch (this.#state) {
      case "running":
        this.#state = "draining";
        if (server === undefined) {
          this.#exitCode = cut;
          abortStart();
          return;
        }
        say(`${signal}: ${this.#planText()}, a second signal ends it`);
        this.#report(server.drain());
        return;
      case "draining":
        this.#state = "forced";
        this.#exitCode = cut;
        if (server === undefined) process.exit(cut);
        say(`${signal}: closing at once`);
        this.#report(server.close({ force: true }));
        return;
      case "forced":
        process.exit(cut);
    }
  }

  #planText(): string {
    const { deadlineMs, drainDelayMs } = this.#facts;
    const drain = `draining for at most ${deadlineMs} ms`;
    return drainDelayMs === 0 ? drain : `not ready, ${drain} in ${drainDelayMs} ms`;
  }

  /** The command waits for the server to have closed; only a failure to close is told here. */
  #report(closing: Promise<void>): void {
    closing.catch((error: unknown) => {
      this.#facts.say(`closing failed: ${String(error)}`);
    });
  }
}

/** Of this process: the kernel takes the terminal away before it sends the signal. */
export function hasTerminal(): boolean {
  try {
    closeSync(openSync("/dev/tty", "r"));
    return true;
  } catch {
    return false;
  }
}
