/**
 * Loads the apps of a worker, the server's and those of listeners, and makes their tables of
 * routes. An app that several of them name is loaded once. Thread: the worker's.
 */
import type { App } from "../shared/app.ts";
import type { ListenerFacts, ServeTask } from "../shared/messages.ts";
import { loadApp } from "./load-app.ts";
import { type OwnRoutes, RouteTables, withLabel } from "./route-tables.ts";

/** Of an index without a listener. */
const NONE: OwnRoutes = { label: "", app: undefined, rows: undefined };

/** Throws what is wrong with an app or a row; of a listener's, it names the listener. */
export async function loadTables(task: ServeTask): Promise<RouteTables> {
  const loaded = new Map<unknown, App>();
  const app = await loadOnce(task.app, loaded);
  const own: OwnRoutes[] = [];
  for (const facts of task.listeners) {
    own.push(facts === null ? NONE : await ownRoutesOf(facts, loaded));
  }
  return new RouteTables(app, own, task.routes);
}

async function ownRoutesOf(facts: ListenerFacts, loaded: Map<unknown, App>): Promise<OwnRoutes> {
  const label = `The listener "${facts.id}"`;
  try {
    const app = facts.app === undefined ? undefined : await loadOnce(facts.app, loaded);
    return { label, app, rows: facts.routes };
  } catch (error) {
    throw withLabel(label, error);
  }
}

async function loadOnce(source: ServeTask["app"], loaded: Map<unknown, App>): Promise<App> {
  const key = source.kind === "module" ? source.href : source.value;
  let app = loaded.get(key);
  if (app === undefined) loaded.set(key, (app = await loadApp(source)));
  return app;
}
