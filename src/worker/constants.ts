/**
 * Constant Responses of routes whose body cannot be had at once: Blobs, and the runtime's own
 * Responses, which an app has that was made before the globals were replaced (`workers: 0`). They
 * are read when the app is loaded, before the router sees them. Runs on the thread of the engine.
 */
import type { App, FetchHandler, Route, TableRoute } from "../shared/app.ts";
import { concat, readBytes } from "./body.ts";
import { FileBlob } from "./file-blob.ts";
import { isLightResponse, LightResponse, toParts } from "./response.ts";
import { StandardResponse } from "./standard.ts";

/** What is in memory or on a disk has been read by then: a stream may never end. */
const READ_MS = 1000;

/** The routes with Responses in memory in the place of such ones, which stay unread. */
export async function readConstants(routes: App["routes"]): Promise<Record<string, Route>> {
  const read: [string, Route][] = [];
  for (const [pattern, route] of Object.entries(routes ?? {})) {
    read.push([pattern, await readRoute(route)]);
  }
  return Object.fromEntries(read);
}

/** The same of an ordered table. What is wrong with a row is found later. */
export async function readTableConstants(
  table: readonly TableRoute[],
): Promise<readonly TableRoute[]> {
  if (!Array.isArray(table)) return table;
  return await Promise.all(table.map(async (row: TableRoute | null) => (
    row === null ? row! : { ...row, handler: await readRoute(row.handler) }
  )));
}

async function readRoute(route: Route): Promise<Route> {
  if (typeof route !== "object" || route === null || Array.isArray(route)) return route;
  if ("handle" in route || "perConnection" in route) return route;
  if (toParts(route) !== null) return await readConstant(route as Response);
  const methods = Object.entries(route).map(async ([method, value]) => {
    return [method, await readConstant(value)];
  });
  return Object.fromEntries(await Promise.all(methods));
}

async function readConstant<T>(value: T): Promise<T | Response | FetchHandler> {
  const parts = toParts(value);
  if (parts === null || parts.bodyUsed) return value;
  const { body, status, statusText } = parts;
  // A file is what it is when it is asked for.
  if (body instanceof FileBlob) return () => value as Response;
  const isBlob = body instanceof Blob;
  if (!isBlob && (isLightResponse(value) || !(body instanceof ReadableStream))) return value;
  const bytes = isBlob ? await readBytes(body) : await bytesOf(value as Response);
  if (bytes === null) return value;
  const { headers } = value as Response;
  return new LightResponse(bytes, { status, statusText, headers });
}

/** Null: it is of a stream, which the router refuses. */
async function bytesOf(response: Response): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    const isStream = response instanceof StandardResponse && !isByteStream(response.body!);
    return isStream ? null : await readSoon(response.clone().body!);
  } catch {
    return null; // it is being read, or fails
  }
}

/** As the body of each Response that the runtime has not made of a stream. */
function isByteStream(stream: ReadableStream): boolean {
  if (stream.locked) return false;
  try {
    stream.getReader({ mode: "byob" }).releaseLock();
    return true;
  } catch {
    return false;
  }
}

/** Null: it has not ended in time. */
async function readSoon(
  stream: ReadableStream<Uint8Array>,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const end = performance.now() + READ_MS;
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    stop(reader);
  }, READ_MS);
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (isLate) return null;
      if (done) return concat(chunks, length);
      chunks.push(value);
      length += value.byteLength;
      // One that always has the next chunk lets no timer run.
      isLate = performance.now() > end;
      if (isLate) stop(reader);
    }
  } finally {
    clearTimeout(timer);
  }
}

/** Not waited for: a branch of a tee is cancelled only when the other one is, too. */
function stop(reader: ReadableStreamDefaultReader): void {
  reader.cancel().catch(() => {});
}
