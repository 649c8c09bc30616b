/**
 * What the primary itself has to say in the log: lines like those of the workers, without the
 * number of one. The destination is opened with the first line, so most servers never open it
 * here. Thread: the primary's.
 */
import { type Logger, pino } from "pino";
import { destinationOf } from "../options/access-log.ts";
import { escapedLine } from "../shared/log-line.ts";

export interface LogOptions {
  readonly logLevel: string;
  /** `stdout`, `stderr`, or the path of a file. */
  readonly logDestination: string;
}

type Destination = ReturnType<typeof pino.destination>;

/** Characters that wait for a destination that takes none; what is beyond them is lost. */
const UNWRITTEN_MAX = 1_048_576;

const DESCRIPTORS: Readonly<Record<string, number>> = { stdout: 1, stderr: 2 };

export class PrimaryLog {
  readonly #level: string;
  readonly #destination: string;
  #open: { readonly logger: Logger; readonly destination: Destination } | null = null;

  constructor(options: LogOptions) {
    this.#level = options.logLevel;
    this.#destination = destinationOf(options.logDestination);
  }

  warn(facts: Record<string, unknown>, message: string): void {
    this.#logger()?.warn(facts, message);
  }

  error(facts: Record<string, unknown>, message: string): void {
    this.#logger()?.error(facts, message);
  }

  /** Goes on with the file that the path names now. */
  reopen(): void {
    if (this.#open === null || this.#descriptor !== undefined) return;
    try {
      this.#open.destination.reopen();
    } catch (error) {
      this.#open.logger.error({ err: error }, "the log's file cannot be opened again");
    }
  }

  close(): void {
    if (this.#open !== null && this.#descriptor === undefined) this.#open.destination.end();
    this.#open = null;
  }

  get #descriptor(): number | undefined {
    return DESCRIPTORS[this.#destination];
  }

  /** Null if the destination cannot be opened: a line is lost, and nothing else. */
  #logger(): Logger | null {
    if (this.#open !== null) return this.#open.logger;
    const level = this.#level;
    if (level === "silent") return null;
    try {
      const dest = this.#descriptor ?? this.#destination;
      const destination = pino.destination({ dest, sync: true, maxLength: UNWRITTEN_MAX });
      destination.on("error", () => {}); // a failed write must not end the process
      const hooks = { streamWrite: escapedLine };
      this.#open = { logger: pino({ level, base: {}, hooks }, destination), destination };
    } catch {
      return null;
    }
    return this.#open.logger;
  }
}
