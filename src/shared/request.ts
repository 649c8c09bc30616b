/** The request that handlers are given. Types only. */
import type { CookieMap } from "./cookies.ts";

/** The standard `Request`, plus the parameters of the route and the cookies, as in Bun. */
export type MillraceRequest<Params = Record<string, string>> = Request & {
  readonly params: Params;
  /** What is set goes out with the answer. */
  readonly cookies: CookieMap;
  /** Who asks, where `millrace/authentication` or a handler has found out. */
  user?: unknown;
};
