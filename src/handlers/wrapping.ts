/**
 * Handlers that stand around others: what the toolbox wraps is the handler it is given, or, where
 * it is given none, whatever comes behind it (`context.next()`). Any thread.
 */
import type { Context, FetchHandler, HandlerResult, MillraceRequest } from "../shared/app.ts";
import { HandlerContext, type HeaderEdit } from "../worker/context.ts";
import { FileParts } from "../worker/file-parts.ts";
import { isLightResponse, responseParts } from "../worker/response.ts";

/**
 * What the wrapped handler answers, with its headers edited; `undefined` where it declines. The
 * handler may give the same Response to many requests, so a copy is edited. A thrown Response is an
 * answer, too; behind any other error the answer that is made of it is edited.
 */
export async function answerWith(
  handler: FetchHandler | undefined,
  request: MillraceRequest,
  context: Context,
  edit: HeaderEdit,
): Promise<Response | undefined> {
  const value = await valueOf(handler, request, context, edit);
  if (value === undefined) return undefined;
  const response = value instanceof Response ? value : new Response(value as string);
  // No answer that HTTP has headers for: Response.error(), or the connection is switched.
  if (response.status < 200) return response;
  const copy = copyOf(response);
  edit(copy.headers);
  return copy;
}

async function valueOf(
  handler: FetchHandler | undefined,
  request: MillraceRequest,
  context: Context,
  edit: HeaderEdit,
): Promise<HandlerResult> {
  try {
    if (handler === undefined) return await context.next();
    return await answerOf(context, () => handler(request, context, context));
  } catch (error) {
    if (isResponse(error)) return error;
    if (context instanceof HandlerContext) context.onFailure(edit);
    throw error;
  }
}

/** What is thrown may throw again when it is looked at. */
function isResponse(error: unknown): error is Response {
  try {
    return error instanceof Response;
  } catch {
    return false;
  }
}

/** A handler that writes its answer gives it to its wrapper. */
async function answerOf(context: Context, call: () => unknown): Promise<HandlerResult> {
  const value = context instanceof HandlerContext ? context.answerOf(call) : call();
  return await value as HandlerResult;
}

function copyOf(response: Response): Response {
  if (isRepeatable(response) && !isImmutable(response.headers)) return response.clone();
  const { body, status, statusText, headers } = response;
  return new Response(body, { status, statusText, headers: new Headers(headers) });
}

/** Its body can be sent any number of times, so that a clone costs no second reader. */
function isRepeatable(response: Response): boolean {
  if (!isLightResponse(response)) return false;
  const { body, stream } = responseParts(response);
  if (stream !== null) return false;
  if (body === null || typeof body === "string") return true;
  return body instanceof Uint8Array || body instanceof Blob || body instanceof FileParts;
}

/** Those of redirects refuse changes, whatever the change is (Fetch 5.1). */
function isImmutable(headers: Headers): boolean {
  try {
    headers.delete("x-none");
    return false;
  } catch {
    return true;
  }
}
