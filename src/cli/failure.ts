/** What the command line says of an error: one line, with what to do where that is known. Pure. */
import { MillraceError } from "../shared/errors.ts";

/** The line for stderr, without its end. */
export function failureLine(error: unknown): string {
  return `millrace: ${failureText(error)}`;
}

/** The same without the name of the command. */
export function failureText(error: unknown): string {
  const code = error instanceof MillraceError ? error.code : undefined;
  const suffix = code === undefined ? "" : ` (${code})`;
  return `${oneLine(messageOf(error))}${hintOf(error)}${suffix}`;
}

/** The message, and that of the cause unless it is quoted already or repeats it in system terms. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.message === "" ? error.name : error.message;
  if (!(error.cause instanceof Error) || "syscall" in error.cause) return own;
  const inner = messageOf(error.cause);
  return own.includes(inner) ? own : `${own}: ${inner}`;
}

function hintOf(error: unknown): string {
  const code = (error instanceof Error ? error.cause as NodeJS.ErrnoException | null : null)?.code;
  if (!(error instanceof MillraceError) || error.code !== "ERR_MILLRACE_BIND") return "";
  switch (code) {
    case "EADDRINUSE":
      return "; choose another with --port or --listener";
    case "EACCES":
      return "; ports below 1024 need a privilege, choose another with --port";
    default:
      return "";
  }
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, " ").trim();
}
