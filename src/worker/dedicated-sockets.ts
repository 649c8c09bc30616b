/**
 * The handlers that own sockets of their own on this worker, by listener: whoever takes a socket
 * over registers its handler here until the socket has ended. A stop of a listener concerns the
 * handlers with a socket there, and is forgotten with the last of them; a stop of a handler is for
 * good. Thread: the engine's.
 */
import { setMaxListeners } from "node:events";
import type { Log } from "../shared/log.ts";
import type { SocketHandler } from "../shared/upgrades.ts";

export type SocketStopper = Pick<SocketHandler, "stop">;

/** A route whose handler has upgraded a connection; null: the app's `fetch` has. */
export interface UpgradeRoute {
  readonly table: number;
  /** The name of the route's handler. */
  readonly handler: string;
}

export interface Registration {
  /** Aborts when the handler is asked to stop, for this listener or for all. */
  readonly signal: AbortSignal;
  /** To be called once, when the socket has ended. */
  end(): void;
}

/** The sockets of one handler on one listener. */
class Owner {
  readonly abort: AbortController = new AbortController();
  readonly routes: Map<string, number> = new Map();
  count = 0;
  isStopping = false;

  constructor() {
    setMaxListeners(0, this.abort.signal); // each of its sockets may listen
  }
}

export class DedicatedSockets {
  readonly #log: Log;
  readonly #owners = new Map<string, Map<SocketStopper, Owner>>();
  readonly #stopped = new WeakSet<SocketStopper>();
  /** Who waits for the last socket of a listener, and, under null, of all. */
  readonly #waiting = new Map<string | null, (() => void)[]>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Whether the handler takes no new socket of the listener. */
  isStopped(listener: string, handler: SocketStopper): boolean {
    if (this.#stopped.has(handler)) return true;
    return this.#owners.get(listener)?.get(handler)?.isStopping === true;
  }

  /** One more socket of the handler. */
  register(
    listener: string,
    handler: SocketStopper,
    route: UpgradeRoute | null = null,
  ): Registration {
    const owners = this.#owners.get(listener) ?? new Map<SocketStopper, Owner>();
    const owner = owners.get(handler) ?? new Owner();
    this.#owners.set(listener, owners.set(handler, owner));
    owner.count++;
    const key = route === null ? "" : keyOf(route);
    owner.routes.set(key, (owner.routes.get(key) ?? 0) + 1);
    let hasEnded = false;
    return {
      signal: owner.abort.signal,
      end: () => {
        if (hasEnded) return;
        hasEnded = true;
        lower(owner.routes, key);
        if (--owner.count === 0) this.#ended(listener, handler);
      },
    };
  }

  #ended(listener: string, handler: SocketStopper): void {
    const owners = this.#owners.get(listener)!;
    owners.delete(handler);
    if (owners.size > 0) return;
    this.#owners.delete(listener);
    this.#tell(listener);
    if (this.#owners.size === 0) this.#tell(null);
  }

  #tell(listener: string | null): void {
    const waiting = this.#waiting.get(listener) ?? [];
    this.#waiting.delete(listener);
    for (const resolve of waiting) resolve();
  }

  /** Resolves when the listener has no socket here; without one, when none has. */
  async ended(listener: string | null = null): Promise<void> {
    const hasSome = listener === null ? this.#owners.size > 0 : this.#owners.has(listener);
    if (!hasSome) return;
    await new Promise<void>((resolve) => {
      const waiting = this.#waiting.get(listener);
      if (waiting === undefined) this.#waiting.set(listener, [resolve]);
      else waiting.push(resolve);
    });
  }

  /** Asks each handler with a socket there to end them. What one throws stops no other. */
  stop(listener: string): void {
    // A copy: handlers may end sockets while they are asked.
    for (const [handler, owner] of Array.from(this.#owners.get(listener) ?? [])) {
      if (owner.isStopping) continue; // it has been asked already
      owner.isStopping = true;
      owner.abort.abort(stopped());
      this.#call(handler, listener);
    }
  }

  /** For good: the handler takes no sockets any more, and is asked to end those that it has. */
  stopHandler(handler: SocketStopper): void {
    if (this.#stopped.has(handler)) return;
    this.#stopped.add(handler);
    for (const owners of this.#owners.values()) owners.get(handler)?.abort.abort(stopped());
    this.#call(handler);
  }

  /** The same for all that have sockets. */
  stopAll(): void {
    for (const handler of this.#handlers()) this.stopHandler(handler);
  }

  /**
   * The same for those whose routes are gone: with sockets of such alone. What `fetch` has upgraded
   * belongs to no route.
   */
  stopRoutes(remains: (route: UpgradeRoute) => boolean): void {
    for (const handler of this.#handlers()) {
      const routes = this.#routesOf(handler).map(routeOf);
      if (!routes.some((route) => route === null || remains(route))) this.stopHandler(handler);
    }
  }

  #handlers(): Set<SocketStopper> {
    const handlers = new Set<SocketStopper>();
    for (const owners of this.#owners.values()) {
      for (const handler of owners.keys()) handlers.add(handler);
    }
    return handlers;
  }

  #routesOf(handler: SocketStopper): string[] {
    const keys: string[] = [];
    for (const owners of this.#owners.values()) {
      const owner = owners.get(handler);
      if (owner !== undefined) keys.push(...owner.routes.keys());
    }
    return keys;
  }

  #call(handler: SocketStopper, listener?: string): void {
    const failed = (error: unknown): void => {
      this.#log.error({ err: error }, "a socket handler's stop failed");
    };
    try {
      // Without an id there is no argument at all.
      const result = listener === undefined ? handler.stop?.() : handler.stop?.(listener);
      if (result instanceof Promise) result.catch(failed);
    } catch (error) {
      failed(error);
    }
  }
}

function stopped(): DOMException {
  return new DOMException("The socket's handler is to stop", "AbortError");
}

function keyOf({ table, handler }: UpgradeRoute): string {
  return `${table} ${handler}`;
}

function routeOf(key: string): UpgradeRoute | null {
  const at = key.indexOf(" ");
  return at < 0 ? null : { table: Number(key.slice(0, at)), handler: key.slice(at + 1) };
}

function lower(counts: Map<string, number>, key: string): void {
  const left = counts.get(key)! - 1;
  if (left > 0) counts.set(key, left);
  else counts.delete(key);
}
