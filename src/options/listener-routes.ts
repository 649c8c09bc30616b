/**
 * What a listener may have for itself in the place of the server's routes: an app, or a table of
 * rows that name handlers of an app. Checked before any thread is started. Pure but for a look at
 * the app's file.
 */
import { MillraceError } from "../shared/errors.ts";
import type { ListenerFacts } from "../shared/messages.ts";
import type { RouteRow } from "../shared/routes.ts";
import { type AppOption, resolveApp } from "./app.ts";
import { readRows } from "../shared/route-rows.ts";

/** Rows, or the name of the one handler that takes everything. */
export type RoutesOption = string | readonly RouteRow[];

export interface OwnRoutesOptions {
  readonly app?: AppOption | undefined;
  readonly routes?: RoutesOption | undefined;
}

/** What workers are told; errors name the listener. */
export function ownRoutesOf(
  { app, routes }: OwnRoutesOptions,
  label: string,
  workers: number,
): Pick<ListenerFacts, "app" | "routes"> {
  try {
    return {
      ...(app !== undefined && { app: resolveApp(app, workers) }),
      ...(routes !== undefined && { routes: readRows(rowsOf(routes)) }),
    };
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    const { code, message, cause } = error;
    throw new MillraceError(code, `${label}: ${message}`, cause === undefined ? {} : { cause });
  }
}

function rowsOf(routes: RoutesOption): readonly RouteRow[] {
  return typeof routes === "string" ? [{ pattern: "/*", handler: routes }] : routes;
}
