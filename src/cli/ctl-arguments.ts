/** The arguments behind `millrace ctl` and `millrace upgrade` as what they ask for. Pure. */
import { parseArgs } from "node:util";
import { fromText, integer, milliseconds, passes, show } from "../options/checks.ts";
import type { Check } from "../options/checks.ts";
import { suggest } from "../shared/suggest.ts";
import { MillraceError } from "../shared/errors.ts";
import { type Asked, VERBS, type VerbFlag } from "./ctl-verbs.ts";

export interface ControlInvocation extends Asked {
  readonly verb: string;
  /** The path of the control socket. */
  readonly control: string;
  readonly isJson: boolean;
  readonly wait: boolean;
  readonly watch: boolean;
  readonly intervalMs: number;
}

const COMMON = {
  control: { type: "string" },
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

const OWN: Readonly<Record<VerbFlag, { readonly type: "string" | "boolean" }>> = {
  force: { type: "boolean" },
  "deadline-ms": { type: "string" },
  wait: { type: "boolean" },
  watch: { type: "boolean" },
  "interval-ms": { type: "string" },
};

const FLAGS = { ...COMMON, ...OWN };
const INTERVAL_MS_DEFAULT = 1000;

/** Null: the help is asked for. */
export function parseControl(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
): ControlInvocation | null {
  const { values, positionals } = parse(argv);
  if (values["help"] === true) return null;
  const [verb, argument = "", ...rest] = positionals;
  checkVerb(verb, argument, rest, values);
  return {
    verb: verb!,
    argument,
    control: socketOf(values["control"], env),
    isJson: values["json"] === true,
    force: values["force"] === true,
    deadlineMs: number(values, "deadline-ms", milliseconds(0)),
    wait: values["wait"] === true,
    watch: values["watch"] === true,
    intervalMs: number(values, "interval-ms", integer(100, 3_600_000)) ?? INTERVAL_MS_DEFAULT,
  };
}

/** Null: the help is asked for. */
export function parseUpgrade(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
): Pick<ControlInvocation, "control" | "isJson"> | null {
  const { values, positionals } = parse(argv);
  if (values["help"] === true) return null;
  if (positionals.length > 0) throw invalid(`upgrade takes no ${show(positionals[0])}`);
  const foreign = (Object.keys(OWN) as VerbFlag[]).find((flag) => values[flag] !== undefined);
  if (foreign !== undefined) throw invalid(`upgrade takes no --${foreign}`);
  return { control: socketOf(values["control"], env), isJson: values["json"] === true };
}

type Values = Readonly<Record<string, string | boolean | undefined>>;

function parse(argv: readonly string[]): { values: Values; positionals: string[] } {
  const { tokens, positionals } = parseArgs({
    args: [...argv], options: FLAGS, allowPositionals: true, strict: false, tokens: true,
  });
  const values: Record<string, string | boolean> = {};
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const { name, rawName, value } = token;
    const flag = Object.hasOwn(FLAGS, name) ? FLAGS[name as keyof typeof FLAGS] : undefined;
    if (flag === undefined) {
      const hint = suggest(rawName, Object.keys(FLAGS).map((each) => `--${each}`));
      throw new MillraceError("ERR_MILLRACE_OPTION_UNKNOWN", `unknown flag ${rawName}${hint}`);
    }
    if (flag.type === "boolean" && value !== undefined) throw invalid(`${rawName} takes no value`);
    if (flag.type === "string" && !value) throw invalid(`${rawName} needs a value`);
    values[name] = value ?? true;
  }
  return { values, positionals };
}

function checkVerb(
  verb: string | undefined,
  argument: string,
  rest: readonly string[],
  values: Values,
): void {
  const known = Object.keys(VERBS);
  if (verb === undefined) throw invalid(`ctl needs to be told what to do: ${known.join(", ")}`);
  const row = Object.hasOwn(VERBS, verb) ? VERBS[verb]! : undefined;
  if (row === undefined) {
    throw invalid(`ctl cannot ${show(verb)}${suggest(verb, known)}; it can ${known.join(", ")}`);
  }
  const isNeeded = row.argument?.startsWith("<") === true;
  if (isNeeded && argument === "") throw invalid(`ctl ${verb} needs ${row.argument}`);
  const extra = row.argument === undefined && argument !== "" ? argument : rest[0];
  if (extra !== undefined) throw invalid(`ctl ${verb} takes no ${show(extra)}`);
  for (const flag of Object.keys(OWN) as VerbFlag[]) {
    if (values[flag] === undefined || row.flags.includes(flag)) continue;
    throw invalid(`ctl ${verb} takes no --${flag}`);
  }
}

/** The socket that a flag or the server's own variable names. */
function socketOf(given: string | boolean | undefined, env: NodeJS.ProcessEnv): string {
  const path = typeof given === "string" ? given : env["MILLRACE_CONTROL"] ?? "";
  if (path !== "") return path;
  throw invalid("--control is missing: give the path of the server's control socket");
}

function number(values: Values, flag: VerbFlag, check: Check): number | undefined {
  const written = values[flag];
  if (typeof written !== "string") return undefined;
  const value = fromText(check, written);
  if (passes(check, value)) return value as number;
  throw invalid(`--${flag} must be ${check.says}, not ${show(written)}`);
}

function invalid(message: string): MillraceError {
  return new MillraceError("ERR_MILLRACE_OPTION_INVALID", message);
}
