/** The command: from the arguments to the code the process exits with. Runs in the primary. */
import { serve } from "../index.ts";
import { OPTION_ROWS, resolveLayers } from "../options.ts";
import type { ListenerOptions, OptionName, ResolvedOptions, ServeOptions } from "../options.ts";
import { logsToFile } from "../options/access-log.ts";
import { environmentLayer } from "../options/layers.ts";
import type { Layer } from "../options/layers.ts";
import { ownSettings } from "../options/listener-settings.ts";
import type { Server } from "../shared/server.ts";
import type { ReloadResult } from "../shared/server-control.ts";
import { parseArguments } from "./arguments.ts";
import type { Invocation } from "./arguments.ts";
import { findConfigFile, loadConfigFile } from "./config-file.ts";
import { control } from "./ctl.ts";
import { failureLine } from "./failure.ts";
import { helpText } from "./help.ts";
import { configText } from "./print-config.ts";
import { reportText } from "./report.ts";
import { hasTerminal, SignalStop } from "./signals.ts";
import { upgrade } from "./upgrade.ts";
import { packageVersion } from "../shared/version.ts";

/** Resolves to the exit code when the command is over; for a server, when it has closed. */
export async function run(argv: readonly string[]): Promise<number> {
  if (argv[0] === "ctl") return await control(argv.slice(1));
  if (argv[0] === "upgrade") return await upgrade(argv.slice(1));
  try {
    const invocation = parseArguments(argv);
    switch (invocation.action) {
      case "help":
        process.stdout.write(helpText());
        return 0;
      case "version":
        process.stdout.write(`${packageVersion()}\n`);
        return 0;
      case "print-config":
      case "serve":
        return await withOptions(invocation);
    }
  } catch (error) {
    process.stderr.write(`${failureLine(error)}\n`);
    return 1;
  }
}

async function withOptions(invocation: Invocation): Promise<number> {
  const file = findConfigFile(invocation.config, process.cwd());
  const layers: Layer[] = [
    { source: "flag", values: invocation.values },
    environmentLayer(process.env, OPTION_ROWS),
  ];
  if (file !== undefined) layers.push(await loadConfigFile(file));
  const options = resolveLayers(layers);
  if (invocation.action === "serve") return await serveUntilClosed(options);
  process.stdout.write(configText(options, layers));
  return 0;
}

async function serveUntilClosed(options: ResolvedOptions): Promise<number> {
  const start = new AbortController();
  let server: Server | undefined;
  const signals = new SignalStop({
    abortStart: () => start.abort(),
    server: () => server,
    say: (line) => process.stderr.write(`millrace: ${line}\n`),
    deadlineMs: options.deadlineMs,
    drainDelayMs: options.drainDelayMs,
    hasTerminal,
    logsToFile: logsToFile(options.accessLog, options.logDestination),
  });
  signals.install();
  try {
    server = await serve(explicitOptions(options, start.signal));
    server.events.on("error", (error) => process.stderr.write(`${failureLine(error)}\n`));
    server.events.on("reload", ({ generation }: ReloadResult) => {
      process.stderr.write(`millrace: generation ${generation} of the app serves\n`);
    });
    if (!start.signal.aborted) process.stdout.write(reportText(factsOf(options, server)));
    await server.closed;
  } catch (error) {
    // An aborted start has ended as the signal asked; there is nothing to report.
    if (!start.signal.aborted) throw error;
  } finally {
    signals.remove();
  }
  return signals.exitCode;
}

function factsOf(options: ResolvedOptions, server: Server): Parameters<typeof reportText>[0] {
  return {
    version: packageVersion(),
    app: options.app.kind === "module" ? options.app.href : undefined,
    workers: options.workers,
    listeners: server.listeners,
  };
}

/**
 * What the layers gave and no more, so that `serve()` can still put the app's own port and
 * hostname in the place of a default.
 */
export function explicitOptions(options: ResolvedOptions, signal: AbortSignal): ServeOptions {
  const explicit: Record<string, unknown> = {};
  for (const name of Object.keys(OPTION_ROWS) as OptionName[]) {
    if (name === "host" || name === "port" || name === "listeners") continue;
    if (options.sources[name] !== "default") explicit[name] = options[name];
  }
  explicit["listeners"] = options.listeners.map((listener): ListenerOptions => {
    const { defaulted, settings, ...place } = listener;
    const given: ListenerOptions = { ...place, ...ownSettings(settings, options) };
    if (defaulted.host) delete given.host;
    if (defaulted.port) delete given.port;
    return given;
  });
  explicit["signals"] = false;
  explicit["notify"] ??= true;
  explicit["signal"] = options.signal ? AbortSignal.any([options.signal, signal]) : signal;
  explicit["app"] = options.app.kind === "module" ? options.app.href : options.app.value;
  return explicit as unknown as ServeOptions;
}
