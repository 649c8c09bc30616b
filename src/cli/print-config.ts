/**
 * The table of `millrace --print-config`: every option, its value, and the source that won. Pure.
 * The values of `env` may be secrets and are not shown.
 */
import { OPTION_ROWS } from "../options.ts";
import type { OptionName, ResolvedListener, ResolvedOptions } from "../options.ts";
import { bindText } from "../options/bind.ts";
import { labelOf } from "../options/layers.ts";
import type { Layer } from "../options/layers.ts";
import { ownSettings } from "../options/listener-settings.ts";
import { bindOf } from "../options/listeners.ts";
import { tableText } from "./table.ts";

export function configText(options: ResolvedOptions, layers: readonly Layer[]): string {
  const lines: string[][] = [["option", "value", "from"]];
  for (const name of Object.keys(OPTION_ROWS) as OptionName[]) {
    if (name === "host" || name === "port") continue;
    if (name === "listeners") lines.push(...listenerLines(options, layers));
    else lines.push([name, valueText(options, name), sourceText(options, layers, name)]);
  }
  return tableText(lines);
}

function listenerLines(options: ResolvedOptions, layers: readonly Layer[]): string[][] {
  return options.listeners.flatMap((listener) => [
    [
      `listener ${listener.id}`,
      bindText(bindOf(listener)),
      listenerSource(options, layers, listener),
    ],
    ...settingLines(options, layers, listener),
  ]);
}

function settingLines(
  options: ResolvedOptions,
  layers: readonly Layer[],
  listener: ResolvedListener,
): string[][] {
  return Object.entries(ownSettings(listener.settings, options)).map(([name, value]) => [
    `listener ${listener.id} ${name}`,
    shown(value),
    sourceText(options, layers, "listeners"),
  ]);
}

function listenerSource(
  options: ResolvedOptions,
  layers: readonly Layer[],
  listener: ResolvedListener,
): string {
  const names = (["listeners", "host", "port"] as const)
    .filter((name) => options.sources[name] !== "default")
    .map((name) => sourceText(options, layers, name));
  const open = (["host", "port"] as const).filter((name) => listener.defaulted[name]);
  if (open.length > 0) names.push(`default ${open.join(" and ")} unless the app sets its own`);
  return names.join(", ");
}

function valueText(options: ResolvedOptions, name: OptionName): string {
  if (name === "app") return options.app.kind === "module" ? options.app.href : "given as a value";
  const value = options[name as keyof ResolvedOptions];
  if (value === undefined) return "-";
  if (name === "env") return Object.keys(value).join(" ");
  return shown(value);
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function sourceText(options: ResolvedOptions, layers: readonly Layer[], name: OptionName): string {
  const source = options.sources[name];
  const layer = layers.find((each) => each.source === source);
  if (layer === undefined) return "default";
  if (layer.source === "file") return layer.file ?? "the configuration file";
  if (layer.source !== "flag") return labelOf(layer, name, OPTION_ROWS);
  return FLAG_OF[name] ?? labelOf(layer, name, OPTION_ROWS);
}

/** Where the command line calls an option differently. */
const FLAG_OF: Partial<Record<OptionName, string>> = {
  app: "argument",
  listeners: "--listener",
  resourceLimits: "--heap-mb",
};
