/** The text of `millrace --help`, generated from the rows of the options. Pure. */
import { OPTION_ROWS } from "../options.ts";
import type { OptionRow } from "../options.ts";
import { flagName, variableName } from "../options/layers.ts";
import { BIND_FORMS } from "../options/bind.ts";
import { FLAG_OPTIONS, LISTENER_KEY_NAMES } from "./arguments.ts";

const INDENT = 30;

const USAGE = `Usage: millrace [serve] <app> [flags]
       millrace ctl --control <socket> <what>    ask a running server, see millrace ctl --help
       millrace upgrade --control <socket>       replace it by a new process, no port closes

Serves the app, an ES module whose default export has routes or a fetch handler.

  millrace app.mjs
  millrace serve app.mjs --host 0.0.0.0 --port 8080 --workers 4
  millrace serve app.mjs --listener id=web,bind=8080 --listener id=local,bind=/run/app.sock

Flags:
`;

const OWN: readonly (readonly [string, string])[] = [
  ["--listener KEY=VALUE,...", "One listener; repeat it for several. Keys: " +
    `${LISTENER_KEY_NAMES.join(", ")}, and what each listener can set for itself, as in ` +
    `idleTimeoutMs=5000. A bind is ${BIND_FORMS}.`],
  ["--heap-mb N", "Megabytes of JavaScript heap each worker may use."],
  ["--config FILE", "A file of options, JSON or a module. Without it the command looks for " +
    "millrace.config.js, .mjs or .json beside package.json."],
  ["--print-config", "Show every option, its value and where it comes from, and exit."],
  ["-h, --help", "Show this text and exit."],
  ["-v, --version", "Show the version and exit."],
];

const CLOSING = `
A flag wins over the environment, the environment over the file, the file over the app's own
port and hostname. The variables are PORT, HOST and, for the other flags that take a value,
MILLRACE_ and the name, as in ${variableName("idleTimeoutMs", OPTION_ROWS)}.

A flag of true or false alone is true, as in --watch; with no- in front it is false: --no-watch.

SIGINT and SIGTERM let requests in flight finish; a second one ends them. The exit code is 0 after
a stop, 1 if the server cannot start, and 128 plus the signal's number after a forced one.
`;

export function helpText(): string {
  const rows = FLAG_OPTIONS.map((name) => {
    const row: OptionRow = OPTION_ROWS[name];
    return entry(`${flagName(name)} ${metavar(row)}`, `${row.text} ${defaultText(row)}`);
  });
  return USAGE + [...rows, ...OWN.map(([flag, text]) => entry(flag, text))].join("") + CLOSING;
}

function metavar(row: OptionRow): string {
  if (row.check.kind === "boolean") return "[true|false]";
  return row.check.kind === "integer" ? "N" : "TEXT";
}

function defaultText(row: OptionRow): string {
  return `Default: ${row.fallbackText ?? String(row.fallback)}.`;
}

/** One flag with its text beside it, wrapped to 98 columns. Backticks are for the documentation. */
function entry(flag: string, text: string): string {
  const lines = [""];
  for (const word of text.replaceAll("`", "").split(" ")) {
    const line = lines.at(-1) ?? "";
    if (line.length + word.length + 1 > 98 - INDENT) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  const indented = lines.map((line) => " ".repeat(INDENT) + line);
  const head = `  ${flag}`;
  // A flag that is too long for its column has a line of its own.
  if (head.length >= INDENT) return [head, ...indented].join("\n") + "\n";
  indented[0] = head.padEnd(INDENT) + lines[0];
  return indented.join("\n") + "\n";
}
