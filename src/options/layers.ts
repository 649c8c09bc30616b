/**
 * Where options come from. A layer is one source with the values it gave; a stronger layer wins,
 * name by name. Pure: the layers are handed in, nothing is read here.
 */
import { MillraceError } from "../shared/errors.ts";
import { fromText, passes, show } from "./checks.ts";
import type { Check } from "./checks.ts";
import { suggest } from "../shared/suggest.ts";

/** From the strongest to the weakest. `app` is the app's own `port` and `hostname`. */
export type Source = "option" | "flag" | "environment" | "file" | "app" | "default";

export interface Layer {
  readonly source: Source;
  /** The file's name, for the source `file`. */
  readonly file?: string;
  readonly values: Readonly<Record<string, unknown>>;
}

/** What layers need to know of a row. */
export interface CheckedRow {
  readonly check: Check;
  /** Named in refusals of text that a flag or a variable gave, when the rule derives another. */
  readonly variable?: string;
}

export type Rows = Readonly<Record<string, CheckedRow>>;

export function flagName(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/**
 * `MILLRACE_IDLE_TIMEOUT_MS` for `idleTimeoutMs`. PORT and HOST are the exceptions, given by their
 * rows: Kubernetes sets MILLRACE_PORT to an URL beside a service that is named millrace.
 */
export function variableName(name: string, rows: Rows): string {
  const snake = name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
  return rows[name]?.variable ?? `MILLRACE_${snake}`;
}

/** How a refusal calls the value `name` of this layer. */
export function labelOf(layer: Layer, name: string, rows: Rows): string {
  switch (layer.source) {
    case "flag":
      return flagName(name);
    case "environment":
      return variableName(name, rows);
    case "file":
      return `${name} in ${layer.file ?? "the configuration file"}`;
    case "app":
      return `${name} of the app`;
    case "option":
    case "default":
      return name;
  }
}

/**
 * The variables of the rows that can be written as text. Other MILLRACE_ variables are left alone:
 * they may be somebody else's. An empty variable counts as not set.
 */
export function environmentLayer(env: NodeJS.ProcessEnv, rows: Rows): Layer {
  const values: Record<string, unknown> = {};
  for (const [name, row] of Object.entries(rows)) {
    const written = env[variableName(name, rows)];
    if (row.check.kind === "value" || written === undefined || written === "") continue;
    values[name] = fromText(row.check, written);
  }
  // As Bun and many tools have it. Any other value, and none, is production.
  const isDevelopment = rows["development"] !== undefined && env["NODE_ENV"] === "development";
  if (isDevelopment) values["development"] ??= true;
  return { source: "environment", values };
}

/** Refuses unknown names and values that their row does not allow. `undefined` counts as absent. */
export function checkLayer(layer: Layer, rows: Rows): void {
  for (const [name, value] of Object.entries(layer.values)) {
    const row = Object.hasOwn(rows, name) ? rows[name] : undefined;
    if (row === undefined) throw unknownName(layer, name, rows);
    if (value === undefined || passes(row.check, value)) continue;
    const label = labelOf(layer, name, rows);
    throw new MillraceError(
      "ERR_MILLRACE_OPTION_INVALID",
      `${label} must be ${row.check.says}, not ${show(value)}`,
    );
  }
}

function unknownName(layer: Layer, name: string, rows: Rows): MillraceError {
  const place = layer.source === "file" ? ` in ${layer.file ?? "the configuration file"}` : "";
  const hint = suggest(name, Object.keys(rows));
  return new MillraceError(
    "ERR_MILLRACE_OPTION_UNKNOWN",
    `unknown option ${JSON.stringify(name)}${place}${hint}`,
  );
}

/** The strongest layer that has a value for the name. Layers are ordered, the strongest first. */
export function strongest(layers: readonly Layer[], name: string): Layer | undefined {
  return layers.find((layer) => layer.values[name] !== undefined);
}
