/** The request that handlers are given. Types only. */

/** The standard `Request`, plus the parameters of the route, as in Bun. */
export type MillraceRequest<Params = Record<string, string>> = Request & {
  readonly params: Params;
  /** Who asks, where `millrace/authentication` or a handler has found out. */
  user?: unknown;
};
