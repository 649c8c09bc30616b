/**
 * The first part of a drain: readiness probes are told of it while everything goes on as before,
 * so that load balancers have turned elsewhere when the listeners stop. Thread: the primary's.
 */
import { READINESS, type Handle, type Native } from "../native.ts";

export class Drain {
  readonly #native: Native;
  readonly #server: Handle;
  #isOver = false;
  #done: Promise<void> | null = null;
  #end: () => void = () => {};

  constructor(native: Native, server: Handle) {
    this.#native = native;
    this.#server = server;
  }

  /** The server takes requests: probes say so, unless it drains already. */
  ready(): void {
    if (this.isUnderWay) return;
    this.#native.setReadiness(this.#server, READINESS.ready);
  }

  get isUnderWay(): boolean {
    return this.#done !== null || this.#isOver;
  }

  /** Resolves after the delay, or when it is cut. A second call waits for the first one's. */
  begin(delayMs: number): Promise<void> {
    this.#native.setReadiness(this.#server, READINESS.draining);
    return (this.#done ??= this.#wait(delayMs));
  }

  /** Nobody is waited for any more: the server stops. */
  cut(): void {
    this.#native.setReadiness(this.#server, READINESS.draining);
    this.#isOver = true;
    this.#end();
  }

  async #wait(delayMs: number): Promise<void> {
    if (delayMs === 0 || this.#isOver) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, delayMs);
      this.#end = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
