/** The text of `millrace ctl --help`, generated from the verbs. Pure. */
import { VERBS } from "./ctl-verbs.ts";
import { tableText } from "./table.ts";

export function controlHelp(): string {
  const verbs = Object.entries(VERBS).map(([name, verb]) => {
    const flags = verb.flags.map((flag) => `[--${flag}${flag.endsWith("-ms") ? " N" : ""}]`);
    return [`  ${[name, verb.argument, ...flags].filter(Boolean).join(" ")}`, verb.text];
  });
  return `Usage: millrace ctl --control <socket> <what> [flags]

Asks the server with this control socket (its option control), or tells it what to do. Without
--control the socket is that of the variable MILLRACE_CONTROL.

${verbs.map(([usage, text]) => `${usage}\n      ${text}\n`).join("")}
Flags:
${tableText([
    ["  --control FILE", "The path of the server's control socket."],
    ["  --json", "Print what the server answers, as JSON."],
    ["  -h, --help", "Show this text and exit."],
  ])}
The exit code is 0 when it has been done, 1 when the server refused it or the command is wrong,
and 3 when no server can be reached.
`;
}
