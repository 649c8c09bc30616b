/**
 * Redirects by status: what an answer says in one place, such as 401, becomes a redirect in
 * another, such as to a login page. Around a handler, or before those that come behind it.
 * Any thread.
 */
import type { FetchHandler, Handler, HandlerObject } from "../shared/app.ts";
import { HttpError } from "../shared/errors.ts";
import { wrongOption } from "../shared/option-checks.ts";
import { locationFrom, redirect } from "../shared/redirect.ts";
import { aroundObject } from "../worker/wrapped-handler.ts";
import { answerWith } from "./wrapping.ts";

/** A location as `redirect:…` of a route takes it, or one with the status of its redirect (302). */
export type StatusRedirect =
  | string
  | { readonly location: string; readonly status?: number | undefined };

/** By the status of the answer, 200 to 599. */
export type StatusRedirects = Readonly<Record<number, StatusRedirect>>;

/** Of a request for which a location can be tried. */
const ANY_URL = "http://host/";

interface Row {
  readonly location: string;
  readonly status: number;
}

/**
 * Throws a TypeError or a RangeError for a table that cannot be. What the answer sets as cookies
 * goes with the redirect. A page is not redirected to itself, so the login page may be behind it,
 * too. Without `handler` it goes on with the next matching handler.
 */
export function statusRedirects(table: StatusRedirects, handler?: FetchHandler): FetchHandler;
export function statusRedirects(table: StatusRedirects, handler: HandlerObject): HandlerObject;
export function statusRedirects(table: StatusRedirects, handler: Handler): Handler;
export function statusRedirects(table: StatusRedirects, handler?: Handler): Handler {
  if (handler !== undefined && typeof handler !== "function") {
    return aroundObject("statusRedirects", handler, (handle) => statusRedirects(table, handle));
  }
  const rows = new Map(Object.entries(table).map(([status, to]) => rowOf(status, to)));
  return async (request, context) => {
    let answer: Response | undefined;
    let thrown: unknown = null;
    try {
      answer = await answerWith(handler, request, context, () => {});
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      thrown = error;
    }
    const status = thrown === null ? answer?.status : (thrown as HttpError).status;
    const row = status === undefined ? undefined : rows.get(status);
    const to = row === undefined ? null : locationFrom(row.location, request.url);
    if (to === null || isSamePage(to, request.url)) {
      if (thrown !== null) throw thrown;
      return answer;
    }
    answer?.body?.cancel().catch(() => {}); // its producer's affair
    return redirected(to, row!.status, answer);
  };
}

function rowOf(status: string, given: StatusRedirect): [status: number, row: Row] {
  const { location, status: by = 302 } = typeof given === "string" ? { location: given } : given;
  const number = Number(status);
  if (!(Number.isInteger(number) && number >= 200 && number <= 599)) {
    throw new RangeError(`statusRedirects: "${status}" is no status from 200 to 599`);
  }
  if (typeof location !== "string" || location === "") {
    throw wrongOption(`statusRedirects: ${status} leads to no location`);
  }
  const to = locationFrom(location, ANY_URL);
  redirect(to, by); // throws for what cannot be
  if (!URL.canParse(to, ANY_URL)) {
    throw wrongOption(`statusRedirects: ${status} leads to "${location}", which is no location`);
  }
  return [number, { location, status: by }];
}

function isSamePage(location: string, url: string): boolean {
  const target = new URL(location, url);
  return target.href.split(/[?#]/, 1)[0] === url.split(/[?#]/, 1)[0];
}

function redirected(location: string, status: number, answer: Response | undefined): Response {
  const response = redirect(location, status);
  for (const cookie of answer?.headers.getSetCookie() ?? []) {
    response.headers.append("set-cookie", cookie);
  }
  return response;
}
