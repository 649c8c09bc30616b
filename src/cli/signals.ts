/**
 * SIGINT and SIGTERM on the command line: the first one drains, the second one ends what still
 * runs. Runs in the primary.
 */
import { constants } from "node:os";
import type { DrainOptions, StopOptions } from "../shared/app.ts";

/** The part of a server that signals act on. */
export interface Stoppable {
  drain(options?: DrainOptions): Promise<void>;
  close(options?: StopOptions): Promise<void>;
  reopenLogs(): Promise<void>;
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
}

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

export class SignalStop {
  readonly #facts: SignalFacts;
  readonly #listener: (signal: NodeJS.Signals) => void;
  #state: "running" | "draining" | "forced" = "running";
  #exitCode = 0;

  constructor(facts: SignalFacts) {
    this.#facts = facts;
    this.#listener = (signal) => this.#onSignal(signal);
  }

  /** 0, or 128 and the signal's number if a signal ended what had not finished. */
  get exitCode(): number {
    return this.#exitCode;
  }

  install(): void {
    for (const signal of SIGNALS) process.on(signal, this.#listener);
    if (this.#facts.logsToFile) process.on("SIGUSR2", this.#onRotation);
  }

  remove(): void {
    for (const signal of SIGNALS) process.off(signal, this.#listener);
    process.off("SIGUSR2", this.#onRotation);
  }

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
