/**
 * The task of a worker: load the app, prove it with `init`, serve until told to end. Piscina runs
 * it once per thread; with `workers: 0` the primary calls it on its own loop.
 *
 * No side effects at import: a worker file that throws while it is loaded leaves its pool unable
 * to refill. Thread: the worker's.
 */
import { isMainThread, type MessagePort, threadId } from "node:worker_threads";
import type { App, Log, MetricsRegistry } from "../shared/app.ts";
import { MillraceError } from "../shared/errors.ts";
import { CONTROL_VERSION, type ServeTask, toSentError } from "../shared/messages.ts";
import { loadNative } from "../native.ts";
import { WorkerControl } from "./control.ts";
import { Engine } from "./engine.ts";
import { placeOf, withPlace } from "./error-place.ts";
import { installGlobals, removeGlobals } from "./globals.ts";
import type { HandlerRegistry } from "./handler-registry.ts";
import { loadTables } from "./load-tables.ts";
import { makeLog } from "./log.ts";
import { reportMemory } from "./memory-report.ts";
import { MetricSources } from "./metric-sources.ts";
import { type RouteTables, withLabel } from "./route-tables.ts";
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
    control.close();
  }
}

async function run(
  task: ServeTask<MessagePort>,
  control: WorkerControl,
  log: Log,
  reopenLog: () => void,
): Promise<void> {
  const tables = await Promise.race([loadTables(task), control.ended]);
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
  try {
    control.attach({
      open: () => engine.open(),
      setListener: (index, facts) => engine.setListener(index, facts),
      stop: (listener, force) => engine.stopListener(listener, force),
      stopSockets: (listener) => {
        engine.sockets.stop(listener);
        return engine.sockets.ended(listener);
      },
      retire: () => engine.retire(),
      give: (count, to) => engine.give(count, to),
      routes: (message) => {
        tables.change(message);
        const patterns = engine.newPatterns();
        if (patterns !== null) control.send({ type: "patterns", routes: patterns });
      },
      awaitRoutes: (table, rows) => tables.ended(table, rows),
      reopenLog,
      countSubscribers: (topic) => topics.count(topic),
      publishHere: (published, forBroker) => topics.publishHere(published, forBroker),
      metrics: () => {
        engine.countNative();
        return sources.collect();
      },
    });
    await Promise.race([
      topics.open(tables.server.app.broker).then(() => (
        serveApp(tables, task, control, log, engine, sources)
      )),
      control.cut,
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

/** From `init` to the app's `close`. An app whose `init` is not done at the end is not closed. */
async function serveApp(
  tables: RouteTables,
  task: ServeTask<MessagePort>,
  control: WorkerControl,
  log: Log,
  engine: Engine,
  sources: MetricSources,
): Promise<void> {
  const draining = new AbortController();
  const ended = control.ended.then(() => {
    draining.abort();
    return "ended";
  });
  const { signal } = draining;
  if (await Promise.race([initAll(tables, task, control, log, signal, sources), ended])) return;
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
  for (const each of tables.apps) await closeApp(each, tables.registryOf(each), log);
}

/** Of all apps, the server's first. */
async function initAll(
  tables: RouteTables,
  task: ServeTask<MessagePort>,
  control: WorkerControl,
  log: Log,
  signal: AbortSignal,
  sources: MetricSources,
): Promise<void> {
  for (const app of tables.apps) {
    try {
      await init(app, task, control, log, signal, sources);
    } catch (error) {
      const label = tables.labelOf(app);
      throw label === null ? error : withLabel(label, error);
    }
  }
}

async function init(
  app: App,
  task: ServeTask<MessagePort>,
  control: WorkerControl,
  log: Log,
  signal: AbortSignal,
  sources: MetricSources,
): Promise<void> {
  const { workerId: id, generation } = task;
  try {
    const { server } = control;
    const registerMetrics = (registry: MetricsRegistry): void => sources.add(registry);
    await app.init?.({ id, generation, threadId, server, log, registerMetrics, signal });
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    const reason = withPlace(text, placeOf(cause));
    throw new MillraceError("ERR_MILLRACE_INIT_FAILED", `The app's init failed: ${reason}`, {
      cause,
    });
  }
}

/** Handler objects and the app itself, once per worker. A failure is logged, the rest goes on. */
async function closeApp(app: App, registry: HandlerRegistry, log: Log): Promise<void> {
  const closers: (() => unknown)[] = [];
  for (const entry of registry.entries) {
    if (!("handle" in entry) || entry.close === undefined) continue;
    closers.push(() => entry.close!());
  }
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
