/** What a row of the table of options says. Types only. */
import type { Check } from "./checks.ts";

type Group =
  | "App" | "Listeners" | "Workers" | "Start and stop" | "Operation" | "Requests" | "Time" | "Size"
  | "Overload" | "Answers" | "Proxies" | "Observability" | "Log";

export interface OptionRow {
  readonly group: Group;
  readonly check: Check;
  readonly fallback?: unknown;
  /** The default in words, where a value would not tell. */
  readonly fallbackText?: string;
  /** The environment variable, where it is not the usual MILLRACE_ form. */
  readonly variable?: string;
  readonly text: string;
}
