/**
 * The task of a worker: load the app, prove it with `init`, serve until told to end. Piscina runs
 * it once per thread; with `workers: 0` the primary calls it on its own loop.
 *
 * No side effects at import: a worker file that throws while it is loaded leaves its pool unable
 * to refill. Thread: the worker's.
 */
import { isMainThread, type MessagePort, threadId } from "node:worker_threads";
import type { App, Log } from "../shared/app.ts";
import { MillraceError } from "../shared/errors.ts";
import { CONTROL_VERSION, type ServeTask, toSentError } from "../shared/messages.ts";
import { loadNative } from "../native.ts";
import { AddedListeners } from "./added-listeners.ts";
import { Apps } from "./apps.ts";
import { type ClosedObjects, closeOnce } from "./close-once.ts";
import { type ControlTarget, WorkerControl } from "./control.ts";
import { Engine } from "./engine.ts";
import { installGlobals, removeGlobals } from "./globals.ts";
import type { HandlerRegistry } from "./handler-registry.ts";
import { loadTables } from "./load-tables.ts";
import { makeLog } from "./log.ts";
import { reportMemory } from "./memory-report.ts";
import { MetricSources } from "./metric-sources.ts";
import { type RouteTables, withLabel } from "./route-tables.ts";
import { printed } from "./standard-output.ts";
import { Topics } from "./topics.ts";

/** Resolves when the worker has drained and its app has closed. */
export default async function serve(task: ServeTask<MessagePort>): Promise<void> {
  const control = new WorkerControl(task.port);
  if (task.version !== CONTROL_VERSION) {
    control.send({ type: "failed", error: toSentError(otherVersion(task.version)) });
    control.close();
    return;
  }
  installGlobals();
  try {
    const { log, reopen } = makeLog(task.options, { worker: task.workerId });
    if (!isMainThread) loadNative().nameThread(`millrace-${task.workerId}`);
    await run(task, control, log, reopen);
  } catch (error) {
    // The channel carries the error with its code; the task itself ends well, for what a task
    // throws loses its class on the way.
    control.send({ type: "failed", error: toSentError(error) });
  } finally {
    removeGlobals();
    await printed();
    control.close();
  }
}

async function run(
  task: ServeTask<MessagePort>,
  control: WorkerControl,
  log: Log,
  reopenLog: () => void,
): Promise<void> {
  const apps = new Apps();
  const tables = await Promise.race([loadTables(task, apps), control.ended]);
  if (tables === undefined) return;
  const endReport = task.memory === null ? null : reportMemory(task.memory);
  const sources = new MetricSources(log);
  const topics = new Topics(task.instance, log);
  control.setTopics(topics);
  const engine = new Engine({
    task,
    tables,
    topics,
    log,
    server: control.server,
    onDrained: (listener) => control.send({ type: "drained", listener }),
    onRetired: () => void endSockets(engine, control),
    onRoute: (mark, route) => control.send({ type: "route", mark, route }),
  });
  const { workerId, generation } = task;
  apps.attach({
    workerId,
    generation,
    server: control.server,
    log,
    sources,
    background: () => engine.background(),
    closeApp: (app) => closeApp(app, tables.registryOf(app), log),
  });
  const listeners = new AddedListeners({
    apps,
    tables,
    setListener: (index, facts, table) => engine.setListener(index, facts, table),
    tell: (facts) => {
      control.send({ type: "table", facts });
      tellPatterns(engine, control);
    },
  });
  const serving: Serving = { apps, tables, control, engine, listeners, topics };
  try {
    control.attach(targetOf(serving, sources, reopenLog));
    await Promise.race([
      topics.open(tables.server.app.broker).then(() => serveApps(serving)), control.cut,
    ]);
  } finally {
    await Promise.race([topics.close(), control.cut]);
    endReport?.();
    engine.countNative();
    engine.close();
  }
}

/** The worker is retired and its last connection of HTTP has gone: it waits for the others. */
async function endSockets(engine: Engine, control: WorkerControl): Promise<void> {
  engine.sockets.stopAll();
  await engine.sockets.ended();
  control.send({ type: "retired" });
}

interface Serving {
  readonly apps: Apps;
  readonly tables: RouteTables;
  readonly control: WorkerControl;
  readonly engine: Engine;
  readonly listeners: AddedListeners;
  readonly topics: Topics;
}

/** What the primary's messages do. */
function targetOf(
  { tables, control, engine, listeners, topics }: Serving,
  sources: MetricSources,
  reopenLog: () => void,
): ControlTarget {
  return {
    open: async () => {
      await listeners.settled();
      engine.open();
    },
    setListener: (index, facts) => listeners.set(index, facts),
    stop: (listener, force) => engine.stopListener(listener, force),
    stopSockets: (listener) => {
      engine.sockets.stop(listener);
      return engine.sockets.ended(listener);
    },
    retire: () => {
      listeners.retire();
      engine.retire();
    },
    give: (count, to) => engine.give(count, to),
    routes: (message) => {
      tables.change(message);
      tellPatterns(engine, control);
    },
    awaitRoutes: (table, rows) => tables.ended(table, rows),
    count: (series) => {
      engine.count(series);
      control.send({ type: "patterns", routes: engine.routes });
    },
    reopenLog,
    countSubscribers: (topic) => topics.count(topic),
    publishHere: (published, forBroker) => topics.publishHere(published, forBroker),
    metrics: () => {
      engine.countNative();
      return sources.collect();
    },
  };
}

function tellPatterns(engine: Engine, control: WorkerControl): void {
  const patterns = engine.newPatterns();
  if (patterns !== null) control.send({ type: "patterns", routes: patterns });
}

/** From `init` to the apps' `close`. */
async function serveApps({ apps, tables, control, engine, listeners }: Serving): Promise<void> {
  const ended = control.ended.then(() => {
    apps.abort();
    return "ended";
  });
  const proved = initAll(apps, tables).then(() => listeners.settled());
  if (await Promise.race([proved, ended])) return;
  const { port, hostname } = tables.server.app;
  control.send({
    type: "ready",
    threadId,
    routes: engine.routes,
    tables: tables.facts,
    ...(port !== undefined && { port }),
    ...(hostname !== undefined && { hostname }),
  });
  await ended;
  await engine.background();
  await apps.close();
}

/** Of all apps, the server's first. */
async function initAll(apps: Apps, tables: RouteTables): Promise<void> {
  for (const app of tables.apps) {
    try {
      await apps.init(app);
    } catch (error) {
      const label = tables.labelOf(app);
      throw label === null ? error : withLabel(label, error);
    }
  }
}

/** Handler objects and the app itself, once per worker. A failure is logged, the rest goes on. */
export async function closeApp(app: App, registry: HandlerRegistry, log: Log): Promise<void> {
  const closed: ClosedObjects = new Set();
  const closers: (() => unknown)[] =
    [...registry.entries].map((entry) => () => closeOnce(entry, closed));
  if (app.close !== undefined) closers.push(() => app.close!());
  for (const close of closers) {
    try {
      await close();
    } catch (error) {
      log.error({ err: error }, "a close hook of the app failed");
    }
  }
}

/** Files of another build lie beside those of the primary. */
function otherVersion(version: number): MillraceError {
  return new MillraceError(
    "ERR_MILLRACE_CONTROL_VERSION",
    `The primary speaks version ${version} of the control channel, the worker ${CONTROL_VERSION}`,
  );
}
