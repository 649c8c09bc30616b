/** `millrace upgrade`: has a running server replaced by a new process. A process of its own. */
import type { UpgradeResult } from "../shared/control.ts";
import { MillraceError } from "../shared/errors.ts";
import { callControl } from "./control-call.ts";
import { controlFailed } from "./ctl.ts";
import { parseUpgrade } from "./ctl-arguments.ts";

const HELP = `Usage: millrace upgrade --control <socket> [--json]

Has the server with this control socket start its own command line anew, in a process that goes on
with its listening sockets. When that one serves, the old one drains and ends. If it does not come
to serve, the old one goes on as before, and what the new one said is printed.

Without --control the socket is that of the variable MILLRACE_CONTROL. The exit code is 0 when the
new process serves, 1 when it does not, and 3 when no server can be reached.
`;

/** Resolves to the exit code; what went wrong is on stderr. */
export async function upgrade(argv: readonly string[]): Promise<number> {
  try {
    const invocation = parseUpgrade(argv, process.env);
    if (invocation === null) {
      process.stdout.write(HELP);
      return 0;
    }
    const call = { name: "POST /upgrade", timeoutMs: 0 };
    const value = await callControl(invocation.control, call) as UpgradeResult;
    const text = invocation.isJson ? JSON.stringify(value, null, 2) : resultText(value);
    process.stdout.write(`${text}\n`);
    return 0;
  } catch (error) {
    return failed(error);
  }
}

function resultText({ pid, dropped }: UpgradeResult): string {
  const ended = dropped.length === 0
    ? ""
    : `; it does not have the listeners ${dropped.join(", ")}, which end with the old one`;
  return `process ${pid} serves, the old one drains${ended}`;
}

/** What the new process wrote has lines of its own, which tell more than one long one. */
function failed(error: unknown): number {
  const isTold = error instanceof MillraceError && error.code === "ERR_MILLRACE_UPGRADE";
  if (!isTold) return controlFailed(error);
  process.stderr.write(`millrace: ${error.message} (${error.code})\n`);
  return 1;
}
