/**
 * Constant Responses of routes whose body cannot be had at once: Blobs, and the runtime's own
 * Responses, which an app has that was made before the globals were replaced (`workers: 0`). They
 * are read when the app is loaded, before the router sees them. Runs on the thread of the engine.
 */
import type { App, FetchHandler, Route, TableRoute } from "../shared/app.ts";
import { readBytes } from "./body.ts";
import { FileBlob } from "./file-blob.ts";
import { isLightResponse, LightResponse, toParts } from "./response.ts";
import { isHandler } from "./compiled-route.ts";

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
  if (typeof route !== "object" || route === null) return route;
  if (isHandler(route) || "perConnection" in route) return route;
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
  const { headers } = value as Response;
  const source = isBlob ? body : (value as Response).clone().body;
  return new LightResponse(await readBytes(source), { status, statusText, headers });
}
