/**
 * What the primary does about workers that are up: it names and ends those that do not yield, evens
 * out their load, and replaces those that have served their time. Thread: the primary's.
 */
import type { Handle, Native } from "../native.ts";
import type { ResolvedOptions } from "../options.ts";
import type { MillraceError } from "../shared/errors.ts";
import type { PrimaryLog } from "./log.ts";
import { Rebalance } from "./rebalance.ts";
import { Recycling } from "./recycling.ts";
import { StuckWatch } from "./stuck-watch.ts";
import type { WorkerChannel } from "./worker-channel.ts";

export interface SupervisionHost {
  readonly native: Native;
  readonly server: Handle;
  readonly log: PrimaryLog;
  channels(): Iterable<WorkerChannel>;
  emit(event: string, detail: unknown): void;
  terminate(channel: WorkerChannel, error: MillraceError): void;
  recycle(channel: WorkerChannel): Promise<void>;
}

export class Supervision {
  readonly #parts: readonly { start(): void; stop(): void }[];

  constructor(host: SupervisionHost, options: ResolvedOptions) {
    this.#parts = [
      new StuckWatch(host, options),
      new Rebalance(host, options),
      new Recycling(host, options),
    ];
  }

  /** Connections may come. */
  start(): void {
    for (const part of this.#parts) part.start();
  }

  stop(): void {
    for (const part of this.#parts) part.stop();
  }
}
