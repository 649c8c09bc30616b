/**
 * Loads the apps of a worker, the server's and those of listeners, and makes their tables of
 * routes. An app that several of them name is loaded once. Thread: the worker's.
 */
import type { ListenerFacts, ServeTask } from "../shared/messages.ts";
import type { Apps } from "./apps.ts";
import { labelOf, type OwnRoutes, RouteTables, withLabel } from "./route-tables.ts";

/** Of an index without a listener. */
const NONE: OwnRoutes = { label: "", app: undefined, rows: undefined };

/** Throws what is wrong with an app or a row; of a listener's, it names the listener. */
export async function loadTables(task: ServeTask, apps: Apps): Promise<RouteTables> {
  const app = await apps.load(0, task.app);
  const own: OwnRoutes[] = [];
  for (const [index, facts] of task.listeners.entries()) {
    own.push(facts === null ? NONE : await ownRoutesOf(index, facts, apps));
  }
  return new RouteTables(app, own, task.routes);
}

async function ownRoutesOf(
  index: number,
  facts: ListenerFacts,
  apps: Apps,
): Promise<OwnRoutes> {
  const label = labelOf(facts);
  try {
    const app = facts.app === undefined ? undefined : await apps.load(index + 1, facts.app);
    return { label, app, rows: facts.routes };
  } catch (error) {
    throw withLabel(label, error);
  }
}
