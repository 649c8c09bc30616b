/**
 * Newline-delimited JSON: one value a line, as long as the source has some. Any thread.
 */
import { checkKnown } from "../shared/option-checks.ts";
import { checkSource } from "./early-source.ts";
import { MappedSource } from "./mapped-source.ts";

type HeadersInit = ConstructorParameters<typeof Headers>[0];

export interface NdjsonOptions {
  readonly status?: number;
  /** Beside `Content-Type: application/x-ndjson`, which they may override. */
  readonly headers?: HeadersInit;
}

const OPTIONS: readonly string[] = ["status", "headers"];

/**
 * The answer with a line for each value. What JSON does not have (`undefined`, a function, a
 * BigInt, a cycle) is a TypeError that cuts the answer, as an error of the source does. The
 * source's `return` is called as soon as the connection has gone. Throws a TypeError for what is
 * not iterable, and for an option that there is none of.
 */
export function ndjson(
  source: AsyncIterable<unknown> | Iterable<unknown>,
  options: NdjsonOptions = {},
): Response {
  checkSource("ndjson", source);
  checkKnown("ndjson", options, OPTIONS);
  const headers = new Headers(options.headers);
  if (!headers.has("content-type")) headers.set("content-type", "application/x-ndjson");
  const { status = 200 } = options;
  const lines = new MappedSource(source, lineOf);
  return new Response(lines as unknown as ReadableStream, { status, headers });
}

function lineOf(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) throw new TypeError("A line of NDJSON is nothing that JSON has");
  return `${text}\n`;
}
