/**
 * The public surface of the package; re-exports only.
 */
export { bindUrl, parseBind } from "./options/bind.ts";
export type { Bind, BindOptions } from "./options/bind.ts";
export { serve } from "./primary/server.ts";
export { HttpError, MillraceError } from "./shared/errors.ts";
export type { ErrorCode } from "./shared/errors.ts";
export { redirect } from "./shared/redirect.ts";
export type { ListenerOptions, LogLevel, ResourceLimits, ServeOptions } from "./options.ts";
export type * from "./shared/app.ts";
export type * from "./shared/broker.ts";
export type { RouteConditions } from "./shared/conditions.ts";
export type * from "./shared/server.ts";
export type {
  AddRouteOptions, HandlerKind, RemoveRouteOptions, RemoveRouteResult, RouteEdits, RouteInfo,
  RouteRow, RoutesResult, TableOptions,
} from "./shared/routes.ts";
export type { Publishable } from "./shared/published.ts";
export type { Metric, MetricValue } from "./shared/metrics.ts";
export type { RebalanceInfo, RecycleInfo, StuckInfo } from "./shared/worker-events.ts";
