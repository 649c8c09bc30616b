/**
 * The command line as text turned into a layer of options. The flags are generated from the rows
 * of src/options.ts; only what is not an option of `serve()` is named here. Pure.
 */
import { parseArgs } from "node:util";
import { OPTION_ROWS } from "../options.ts";
import type { ListenerOptions, OptionName } from "../options.ts";
import { fromText, integer, passes, show } from "../options/checks.ts";
import { flagName } from "../options/layers.ts";
import { LISTENER_SETTING_ROWS, LISTENER_SETTINGS } from "../options/listener-settings.ts";
import { parseBind } from "../options/bind.ts";
import { LISTENER_ROWS } from "../options/listeners.ts";
import { suggest } from "../shared/suggest.ts";
import { MillraceError } from "../shared/errors.ts";
import type { ListenerSetting } from "../shared/listener-settings.ts";

export interface Invocation {
  readonly action: "serve" | "print-config" | "help" | "version";
  /** The file given with --config. */
  readonly config: string | undefined;
  /** The options that flags gave. */
  readonly values: Record<string, unknown>;
}

/** Options that have no flag: the app is the argument, the signals are the command's own. */
const WITHOUT_FLAG: ReadonlySet<string> = new Set(["app", "signals"]);

/** The names of the options that are one flag each. */
export const FLAG_OPTIONS: readonly OptionName[] = (Object.keys(OPTION_ROWS) as OptionName[])
  .filter((name) => OPTION_ROWS[name].check.kind !== "value" && !WITHOUT_FLAG.has(name));

/** The flags that are not options of `serve()` under the same name. */
const OWN_FLAGS = {
  listener: { type: "string", multiple: true },
  "heap-mb": { type: "string" },
  config: { type: "string" },
  "print-config": { type: "boolean" },
  help: { type: "boolean", short: "h" },
  version: { type: "boolean", short: "v" },
} as const;

const BOOLEAN_FLAGS: readonly string[] = FLAG_OPTIONS
  .filter((name) => OPTION_ROWS[name].check.kind === "boolean").map(flagOf);

const OPTION_FLAGS = Object.fromEntries([
  ...FLAG_OPTIONS.map((name) => [flagOf(name), { type: "string" }] as const),
  ...BOOLEAN_FLAGS.flatMap((flag) => [flag, `no-${flag}`])
    .map((flag) => [flag, { type: "boolean" }] as const),
]);

const FLAGS = { ...OPTION_FLAGS, ...OWN_FLAGS };

/** What a word behind a boolean flag must be to be its value. */
const BOOLEAN_WORD = /^(?:true|false|1|0)$/;

/** The keys of one --listener, with what each turns its text into. */
const LISTENER_KEYS: Readonly<Record<string, (text: string) => ListenerOptions>> = {
  id: (id) => ({ id }),
  name: (name) => ({ name }),
  bind: parseBind,
  backlog: (text) => ({ backlog: fromText(LISTENER_ROWS.backlog.check, text) as number }),
  mode: (text) => ({ mode: text }),
  reopenMax: (text) => ({ reopenMax: fromText(LISTENER_ROWS.reopenMax.check, text) as number }),
  autoStart: (text) => ({ autoStart: fromText(LISTENER_ROWS.autoStart.check, text) as boolean }),
  comment: (comment) => ({ comment }),
  app: (app) => ({ app }),
  routes: (routes) => ({ routes }),
  accessLog: (text) => ({ accessLog: fromText(LISTENER_ROWS.accessLog.check, text) as boolean }),
};

/** Those that are not settings, in the order of the help. */
export const LISTENER_KEY_NAMES: readonly string[] = Object.keys(LISTENER_KEYS);

/** What a listener can set for itself, as far as it can be written as text. */
export const SETTING_KEYS: ReadonlySet<string> = new Set(
  LISTENER_SETTINGS.filter((name) => LISTENER_SETTING_ROWS[name].check.kind !== "value"),
);

/** What the arguments behind `millrace` ask for. */
export function parseArguments(argv: readonly string[]): Invocation {
  const { tokens } = parseArgs({
    args: [...argv], options: FLAGS, allowPositionals: true, strict: false, tokens: true,
  });
  const given = new Map<string, string[]>();
  const words: string[] = [];
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index]!;
    if (token.kind === "positional") words.push(token.value);
    if (token.kind !== "option") continue;
    checkFlag(token.name, token.rawName, token.value);
    const next = tokens[index + 1];
    const word = next?.kind === "positional" && token.value === undefined ? next.value : "";
    const { flag, value, takesWord } = valueOf(token.name, token.value, word);
    given.set(flag, [...given.get(flag) ?? [], value]);
    if (takesWord) index++;
  }
  const action = (["help", "version", "print-config"] as const).find((name) => given.has(name));
  const values = flagValues(given);
  const app = parseApp(words);
  if (app !== undefined) values["app"] = app;
  return { action: action ?? "serve", config: given.get("config")?.at(-1), values };
}

interface Given {
  readonly flag: string;
  readonly value: string;
  /** The next word was its value. */
  readonly takesWord: boolean;
}

/** A boolean flag alone is on; behind it a word that is no boolean is something else: the app. */
function valueOf(name: string, value: string | undefined, word: string): Given {
  if (BOOLEAN_FLAGS.includes(name)) {
    const takesWord = BOOLEAN_WORD.test(word);
    return { flag: name, value: takesWord ? word : value ?? "true", takesWord };
  }
  const isNegated = name.startsWith("no-");
  const flag = isNegated ? name.slice("no-".length) : name;
  return { flag, value: isNegated ? "false" : value ?? "", takesWord: false };
}

/** The name of its flag without the dashes. */
function flagOf(name: OptionName): string {
  return flagName(name).slice(2);
}

/** `serve` may be left out. A file of that name is given as ./serve. */
function parseApp(positionals: readonly string[]): string | undefined {
  const apps = positionals[0] === "serve" ? positionals.slice(1) : positionals;
  if (apps.length > 1) {
    throw invalid(`one app at a time, but there are ${apps.map((app) => show(app)).join(" and ")}`);
  }
  return apps[0];
}

function checkFlag(name: string, rawName: string, value: string | undefined): void {
  const flag = Object.hasOwn(FLAGS, name) ? FLAGS[name as keyof typeof FLAGS] : undefined;
  if (flag === undefined) {
    const known = Object.keys(FLAGS).map((each) => `--${each}`);
    const hint = suggest(rawName, known);
    throw new MillraceError("ERR_MILLRACE_OPTION_UNKNOWN", `unknown flag ${rawName}${hint}`);
  }
  const isBoolean = BOOLEAN_FLAGS.includes(name);
  if (value === "" || (flag.type === "string" && value === undefined)) {
    throw invalid(`${rawName} needs a value`);
  }
  if (flag.type === "boolean" && !isBoolean && value !== undefined) {
    throw invalid(`${rawName} takes no value`);
  }
}

/** A flag that may be given once takes the last value, as is usual: scripts append to defaults. */
function flagValues(given: ReadonlyMap<string, string[]>): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const name of FLAG_OPTIONS) {
    const written = given.get(flagOf(name))?.at(-1);
    if (written !== undefined) values[name] = fromText(OPTION_ROWS[name].check, written);
  }
  const listeners = given.get("listener");
  if (listeners !== undefined) values["listeners"] = listeners.map(parseListener);
  const heapMb = given.get("heap-mb")?.at(-1);
  if (heapMb !== undefined) values["resourceLimits"] = { maxOldGenerationSizeMb: heap(heapMb) };
  return values;
}

function heap(written: string): number {
  const check = integer(1, 1_048_576);
  const value = fromText(check, written);
  if (passes(check, value)) return value as number;
  throw invalid(`--heap-mb must be ${check.says}, not ${show(written)}`);
}

/** `id=web,bind=0.0.0.0:8080,idleTimeoutMs=5000`. */
export function parseListener(written: string): ListenerOptions {
  const listener: ListenerOptions = {};
  for (const part of written.split(",")) {
    const equals = part.indexOf("=");
    const key = part.slice(0, Math.max(0, equals));
    Object.assign(listener, listenerMember(key, part.slice(equals + 1), part));
  }
  return listener;
}

function listenerMember(key: string, text: string, part: string): ListenerOptions {
  if (Object.hasOwn(LISTENER_KEYS, key)) return LISTENER_KEYS[key]!(text);
  if (SETTING_KEYS.has(key)) {
    return { [key]: fromText(LISTENER_SETTING_ROWS[key as ListenerSetting].check, text) };
  }
  const keys = LISTENER_KEY_NAMES.map((each) => `${each}=`).join(", ");
  const hint = suggest(key, [...SETTING_KEYS, ...LISTENER_KEY_NAMES]);
  throw invalid(
    `--listener takes ${keys} and limits, with commas between, not ${show(part)}${hint}`,
  );
}

function invalid(message: string): MillraceError {
  return new MillraceError("ERR_MILLRACE_OPTION_INVALID", message);
}
