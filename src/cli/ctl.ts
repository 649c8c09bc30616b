/** `millrace ctl`: asks a running server, or tells it what to do. A process of its own. */
import { styleText } from "node:util";
import type { ControlStatus } from "../shared/control.ts";
import { MillraceError } from "../shared/errors.ts";
import { callControl } from "./control-call.ts";
import { type ControlInvocation, parseControl } from "./ctl-arguments.ts";
import { controlHelp } from "./ctl-help.ts";
import { type Paint, plain } from "./ctl-tables.ts";
import { VERBS } from "./ctl-verbs.ts";
import { watchStatus } from "./ctl-watch.ts";
import { failureLine } from "./failure.ts";

/** How long a server may take for what it only has to look up. */
const QUICK_MS = 5000;
/** How often it is looked whether a server that drains has ended. */
const LOOK_MS = 100;

/** What exit codes say beside 0. */
const EXIT_REFUSED = 1;
const EXIT_UNREACHABLE = 3;

/** Resolves to the exit code; what went wrong is one line on stderr. */
export async function control(argv: readonly string[]): Promise<number> {
  try {
    const invocation = parseControl(argv, process.env);
    if (invocation === null) process.stdout.write(controlHelp());
    else if (invocation.watch) await watch(invocation);
    else await once(invocation);
    return 0;
  } catch (error) {
    return controlFailed(error);
  }
}

/** Says what went wrong, and returns the exit code for it. */
export function controlFailed(error: unknown): number {
  process.stderr.write(`${failureLine(error)}\n`);
  const code = error instanceof MillraceError ? error.code : undefined;
  return code === "ERR_MILLRACE_CONTROL_SOCKET" ? EXIT_UNREACHABLE : EXIT_REFUSED;
}

async function once(invocation: ControlInvocation): Promise<void> {
  const verb = VERBS[invocation.verb]!;
  const value = await callControl(invocation.control, {
    name: verb.name(invocation),
    body: verb.body?.(invocation),
    timeoutMs: verb.isQuick ? QUICK_MS : 0,
  });
  if (invocation.wait) await gone(invocation.control, (value as { pid: number }).pid);
  process.stdout.write(invocation.isJson
    ? `${JSON.stringify(value, null, 2)}\n`
    : verb.show(value, invocation, paintFor(process.stdout)));
}

async function watch(invocation: ControlInvocation): Promise<void> {
  const { control: path, intervalMs, isJson } = invocation;
  await watchStatus({
    read: async () => await callControl(path, { name: "GET /status", timeoutMs: QUICK_MS }) as
      ControlStatus,
    intervalMs,
    out: process.stdout,
    keys: process.stdin,
    paint: paintFor(process.stdout),
    isJson,
  });
}

/** Resolves when the process has ended: nobody answers, or another one does. */
async function gone(path: string, pid: number): Promise<void> {
  for (;;) {
    try {
      const value = await callControl(path, { name: "GET /status", timeoutMs: QUICK_MS });
      if ((value as ControlStatus).pid !== pid) return;
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** Colours only for people who look at a terminal and have not said no to them. */
function paintFor(out: NodeJS.WriteStream): Paint {
  const isWanted = out.isTTY && !process.env["NO_COLOR"];
  return isWanted ? (style, text) => styleText(style, text) : plain;
}
