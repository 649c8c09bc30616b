/**
 * Tells systemd how the service is (sd_notify(3)): when it is ready, reloads, stops, and, for its
 * watchdog, that it is well. Without $NOTIFY_SOCKET nothing is told. Thread: the primary's.
 */
import { getSystemErrorName } from "node:util";
import type { WorkerStats } from "../shared/app.ts";
import type { Native } from "../native.ts";

/** What a service manager has asked for in the environment. */
export interface NotifyFacts {
  readonly native: Pick<Native, "notifyService">;
  /** $NOTIFY_SOCKET; empty: nobody listens. */
  readonly socket: string;
  /** How often the watchdog wants to hear of this process; 0: never. */
  readonly watchdogMs: number;
  readonly workers: () => readonly Pick<WorkerStats, "state">[];
  /** It cannot be told: said once. */
  readonly failed: (reason: string) => void;
}

/** A full queue is tried again this often, which is 10 s: systemd reads when it has time. */
const RETRIES_MAX = 100;
const RETRY_MS = 100;
/** While it stops: each time it is given this much more, and asks again after half of it. */
const EXTEND_MS = 10_000;
/** Of the watchdog's time: how soon a worker that was not well is looked at again. */
const UNWELL_SHARE = 20;

export class Notifier {
  readonly #facts: NotifyFacts;
  readonly #waiting: string[] = [];
  #retries = 0;
  #retry: NodeJS.Timeout | undefined;
  #watchdog: NodeJS.Timeout | undefined;
  #extending: NodeJS.Timeout | undefined;
  #reloads = 0;
  #hasFailed = false;
  #state: "on" | "silent" = "on";

  constructor(facts: NotifyFacts) {
    this.#facts = facts;
    if (facts.socket === "") this.#state = "silent";
  }

  /** `mainPid`: this process has taken the place of the one that systemd started. */
  ready(status: string, mainPid?: number): void {
    const lines = ["READY=1", `STATUS=${oneLine(status)}`];
    if (mainPid !== undefined) lines.unshift(`MAINPID=${mainPid}`);
    this.#send(lines.join("\n"));
    this.#watch();
  }

  /** `reloaded` follows, whether the reload succeeds or not. Several may overlap. */
  reloading(): void {
    if (this.#reloads++ > 0 || this.#isStopping) return;
    // The clock of process.hrtime is the one that systemd compares with: CLOCK_MONOTONIC.
    const now = process.hrtime.bigint() / 1000n;
    this.#send(`RELOADING=1\nMONOTONIC_USEC=${now}\nSTATUS=Reloading`);
  }

  /** The last of those under way has ended. */
  reloaded(status: string): void {
    if (--this.#reloads === 0 && !this.#isStopping) this.ready(status);
  }

  get #isStopping(): boolean {
    return this.#extending !== undefined;
  }

  /** From now on systemd is asked for time until `close`, and hears of no reload. */
  stopping(): void {
    if (this.#isStopping) return;
    const extend = `EXTEND_TIMEOUT_USEC=${EXTEND_MS * 1000}`;
    this.#send(`STOPPING=1\nSTATUS=Draining\n${extend}`);
    this.#extending = setInterval(() => this.#send(extend), EXTEND_MS / 2);
    this.#extending.unref();
  }

  /** Another process has taken over: under its number, since systemd may hear only this one. */
  handOver(mainPid: number): void {
    this.#send(`MAINPID=${mainPid}`);
    this.close();
  }

  /** Nothing more is told. */
  close(): void {
    this.#state = "silent";
    this.#waiting.length = 0;
    clearTimeout(this.#retry);
    clearTimeout(this.#watchdog);
    clearInterval(this.#extending);
  }

  /** Twice as often as it is asked for, as systemd recommends. */
  #watch(): void {
    const { watchdogMs } = this.#facts;
    if (watchdogMs === 0 || this.#watchdog !== undefined || this.#state === "silent") return;
    const look = (): void => {
      const isWell = isServing(this.#facts.workers());
      if (isWell) this.#send("WATCHDOG=1");
      // A handler that is busy for a moment must not cost a whole beat.
      const delay = isWell ? watchdogMs / 2 : Math.max(1, watchdogMs / UNWELL_SHARE);
      this.#watchdog = setTimeout(look, delay).unref();
    };
    look();
  }

  /** In order: what waits is sent first. */
  #send(text: string): void {
    if (this.#state === "silent") return;
    this.#waiting.push(text);
    if (this.#retry === undefined) this.#flush();
  }

  #flush(): void {
    this.#retry = undefined;
    const { native, socket } = this.#facts;
    while (this.#waiting.length > 0) {
      const errno = native.notifyService(socket, this.#waiting[0]!);
      const code = errno === 0 ? "" : getSystemErrorName(-errno);
      if (code === "EAGAIN" && this.#retries++ < RETRIES_MAX) {
        this.#retry = setTimeout(() => this.#flush(), RETRY_MS).unref();
        return;
      }
      this.#retries = 0;
      this.#waiting.shift();
      if (code !== "") this.#fail(code);
    }
  }

  #fail(code: string): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#facts.failed(`${this.#facts.socket} ($NOTIFY_SOCKET) cannot be written: ${code}`);
  }
}

/** Someone serves, and nobody is stuck. */
function isServing(workers: readonly Pick<WorkerStats, "state">[]): boolean {
  return workers.some(({ state }) => state === "serving") &&
    workers.every(({ state }) => state !== "stuck");
}

/** The form is one line for each fact. */
function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}

type Environment = Readonly<Record<string, string | undefined>>;

/** $WATCHDOG_USEC in milliseconds; 0 if there is none, or for another process. */
export function watchdogMsOf(env: Environment, pid: number): number {
  const { WATCHDOG_USEC = "", WATCHDOG_PID = "" } = env;
  if (WATCHDOG_PID !== "" && WATCHDOG_PID !== String(pid)) return 0;
  return /^[1-9]\d{0,15}$/.test(WATCHDOG_USEC) ? Number(WATCHDOG_USEC) / 1000 : 0;
}
