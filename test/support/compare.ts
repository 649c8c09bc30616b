/**
 * Compares our fetch classes with the runtime's: each case is run with both, and what it gives, or
 * the kind of error it throws, must be the same.
 */
import { inspect } from "node:util";
import type { Test } from "tap";
import { LightHeaders } from "../../src/worker/headers.ts";
import { LightRequest } from "../../src/worker/request.ts";
import { LightResponse } from "../../src/worker/response.ts";
import {
  StandardHeaders,
  StandardRequest,
  StandardResponse,
} from "../../src/worker/standard.ts";

export interface Classes {
  Headers: any; // any: the cases give it what its types do not allow
  Request: any; // any: as above
  Response: any; // any: as above
}

export type Cases = Record<string, (classes: Classes) => unknown>;

const light: Classes = { Headers: LightHeaders, Request: LightRequest, Response: LightResponse };
const standard: Classes = {
  Headers: StandardHeaders,
  Request: StandardRequest,
  Response: StandardResponse,
};

/** The result of a case in a form that can be compared: errors as their kind. */
export async function outcome(run: () => unknown): Promise<unknown> {
  let isPromise = false;
  try {
    const value = run();
    isPromise = value instanceof Promise;
    return { value: plain(await value), isPromise };
  } catch (error) {
    if (!(error instanceof Error)) return { thrown: error, isPromise };
    return { error: error.name, isPromise };
  }
}

function plain(value: unknown): unknown {
  if (value instanceof ArrayBuffer) return ["ArrayBuffer", ...new Uint8Array(value)];
  if (value instanceof Uint8Array) return ["Uint8Array", ...value];
  return value;
}

export async function sameAsStandard(t: Test, cases: Cases): Promise<void> {
  for (const [name, run] of Object.entries(cases)) {
    const ours = await outcome(() => run(light));
    t.strictSame(ours, await outcome(() => run(standard)), name);
  }
}

/** A value in the name of a case; no getter of it is called. */
export function nameOf(value: unknown): string {
  return inspect(value, { breakLength: Infinity });
}

/** The result of a case with our classes, and with the runtime's. */
export async function bothOutcomes(
  run: Cases[string],
): Promise<{ ours: unknown; theirs: unknown }> {
  return { ours: await outcome(() => run(light)), theirs: await outcome(() => run(standard)) };
}

/** All that can be seen of a Response but for its body. */
export function seen(response: Response): unknown {
  const { status, statusText, ok, type, url, redirected, bodyUsed } = response;
  const hasBody = response.body !== null;
  const headers = [...response.headers];
  return { status, statusText, ok, type, url, redirected, bodyUsed, hasBody, headers };
}
