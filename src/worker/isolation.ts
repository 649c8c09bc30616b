/**
 * An async context of its own for each handler: what one handler enters with
 * `AsyncLocalStorage.enterWith` is not seen by the next one of the batch.
 *
 * `run()` of a storage ends with its callback, so only `enterWith` and async hooks can leak. A
 * resource per handler costs 50 ns, an eighth of a pipelined request, so it is made only from the
 * first use of either on. The catch: that first use has entered the context of the batch itself,
 * which is undone before anything else runs there.
 * Thread: the engine's; the patch of `enterWith` is the thread's own.
 */
import asyncHooks, { AsyncLocalStorage, AsyncResource } from "node:async_hooks";
import { syncBuiltinESMExports } from "node:module";

const NAME = "MILLRACE_HANDLER";

/** Whether this thread has used what can leak; one patch for all engines of the thread. */
let isUsed = false;
let isPatched = false;
/** A handler is running in a context of its own. */
let isInside = false;
/** Entered where no context of a handler's own may have been. */
let leaked: AsyncLocalStorage<unknown>[] = [];
// oxlint-disable-next-line typescript/unbound-method -- it is called with its own `this` below
const { enterWith } = AsyncLocalStorage.prototype;

function patch(): void {
  if (isPatched) return;
  isPatched = true;
  AsyncLocalStorage.prototype.enterWith = function (this: AsyncLocalStorage<unknown>, store) {
    isUsed = true;
    if (!isInside) leaked.push(this);
    return enterWith.call(this, store);
  };
  const { createHook } = asyncHooks;
  asyncHooks.createHook = (callbacks) => {
    isUsed = true;
    return createHook(callbacks);
  };
  syncBuiltinESMExports();
}

export class Isolation {
  /** The context in which the worker was started: nothing has been entered there. */
  readonly #clean: AsyncResource;

  constructor() {
    patch();
    this.#clean = new AsyncResource(NAME);
  }

  get isOn(): boolean {
    return isUsed;
  }

  /** Runs a handler in a new context that begins clean. */
  run<T>(handler: () => T): T {
    const before = isInside;
    isInside = true;
    try {
      return this.#clean.runInAsyncScope(() =>
        new AsyncResource(NAME).runInAsyncScope(handler)
      );
    } finally {
      isInside = before;
    }
  }

  /** Leaves the context of the batch as it was; called there, before the engine goes on. */
  undo(): void {
    if (leaked.length === 0) return;
    for (const storage of leaked) enterWith.call(storage, undefined);
    leaked = [];
  }
}
