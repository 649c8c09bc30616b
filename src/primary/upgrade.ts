/**
 * Replacing this process by a new one of the same command line without closing a port: both have
 * the same listening sockets while the new one starts; when it serves it takes the paths, and this
 * one drains. Whatever goes wrong before leaves this one as it was. Thread: the primary's.
 */
import type { UpgradeResult } from "../shared/control.ts";
import { MillraceError } from "../shared/errors.ts";
import type { HandedSocket } from "./hand-over.ts";
import { Successor } from "./successor.ts";

/** What a process that is replaced has and does. */
export interface Replaced {
  readonly pid: number;
  readonly control: string;
  /** Until the new process serves: what its workers may take, and a start of Node.js. */
  readonly timeoutMs: number;
  readonly isWatched: () => boolean;
  readonly isClosing: () => boolean;
  readonly sockets: () => readonly HandedSocket[];
  /** Of listeners that have been started, whether they run. */
  readonly running: () => Readonly<Record<string, boolean>>;
  /** The new process has not come to take the paths, or not all: they are this one's again. */
  readonly restore: () => Promise<void>;
  /** It serves, and has these listeners: let go of their sockets, drain and end. */
  readonly handOver: (pid: number, listeners: ReadonlySet<string>) => void;
}

type State = "idle" | "starting" | "handed over";

export class Upgrade {
  readonly #replaced: Replaced;
  #state: State = "idle";

  constructor(replaced: Replaced) {
    this.#replaced = replaced;
  }

  /** Resolves when the new process serves and has everything; rejects with ERR_MILLRACE_UPGRADE. */
  async run(): Promise<UpgradeResult> {
    this.#check();
    this.#state = "starting";
    try {
      const result = await this.#replace();
      this.#state = "handed over";
      return result;
    } catch (error) {
      this.#state = "idle";
      throw error;
    }
  }

  #check(): void {
    if (this.#replaced.isClosing() || this.#state === "handed over") {
      throw refused("this server is ending already");
    }
    if (this.#state === "starting") throw refused("another upgrade is under way");
    if (this.#replaced.pid === 1) {
      throw refused(
        "this process has the number 1: when it ends, its container ends, and the new process " +
          "with it. Start another container and take this one out of service instead",
      );
    }
  }

  /** Throws ERR_MILLRACE_UPGRADE while a new process starts: what it has been told stays true. */
  checkIdle(): void {
    if (this.#state !== "starting") return;
    throw new MillraceError(
      "ERR_MILLRACE_UPGRADE",
      "The listeners stay as they are while this process is being replaced: try again after that",
    );
  }

  async #replace(): Promise<UpgradeResult> {
    const { pid, control, timeoutMs, isWatched, sockets, running, handOver } = this.#replaced;
    const successor = new Successor({
      pid, control, isWatched: isWatched(), sockets: sockets(), running: running(),
    });
    const listeners = new Set(await this.#taken(successor, timeoutMs));
    // As they are now: one may have been on its way when the new process was started.
    const dropped = new Set(sockets().map(({ listener }) => listener).filter((id) =>
      !listeners.has(id)));
    handOver(successor.pid, listeners);
    successor.release();
    return { pid: successor.pid, dropped: [...dropped] };
  }

  async #taken(successor: Successor, timeoutMs: number): Promise<readonly string[]> {
    try {
      const listeners = await successor.ready(timeoutMs);
      // This server may have been told to close meanwhile: then nothing is left to hand over.
      if (this.#replaced.isClosing()) throw refused("this server was closed meanwhile");
      await successor.take();
      return listeners;
    } catch (error) {
      await successor.kill();
      await this.#replaced.restore();
      throw error;
    }
  }
}

function refused(why: string): MillraceError {
  return new MillraceError("ERR_MILLRACE_UPGRADE", `The process cannot be replaced: ${why}`);
}
