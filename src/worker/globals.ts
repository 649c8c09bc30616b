/**
 * Puts the light classes and the wrapped fetch in the place of the runtime's, and takes them out
 * again. Counted: with `workers: 0` several servers share one thread. Any thread.
 */
import { LightHeaders } from "./headers.ts";
import { LightRequest } from "./request.ts";
import { LightResponse } from "./response.ts";
import { wrapFetch } from "./upstream.ts";

interface Replaced {
  readonly name: string;
  readonly before: PropertyDescriptor;
  readonly ours: unknown;
}

let installed = 0;
let replaced: Replaced[] = [];

/** Each call needs one of `removeGlobals`. */
export function installGlobals(): void {
  installed++;
  if (installed > 1) return;
  const ours: Record<string, unknown> = {
    Headers: LightHeaders,
    Request: LightRequest,
    Response: LightResponse,
    fetch: wrapFetch(globalThis.fetch),
  };
  replaced = Object.entries(ours).map(([name, value]) => replace(name, value));
}

export function removeGlobals(): void {
  if (installed === 0) throw new Error("removeGlobals was called more often than installGlobals");
  installed--;
  if (installed > 0) return;
  for (const { name, before, ours } of replaced) {
    // What somebody else has put there meanwhile is theirs to take away.
    const now = Object.getOwnPropertyDescriptor(globalThis, name);
    if (now?.value === ours) Object.defineProperty(globalThis, name, before);
  }
  replaced = [];
}

function replace(name: string, ours: unknown): Replaced {
  const before = Object.getOwnPropertyDescriptor(globalThis, name)!;
  Object.defineProperty(globalThis, name, {
    value: ours,
    writable: true,
    enumerable: before.enumerable ?? false,
    configurable: true,
  });
  return { name, before, ours };
}
