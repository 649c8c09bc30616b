/** The check of `debug`. Pure; used in the primary, before a worker exists. */
import * as v from "valibot";
import type { ListenerSettings } from "../shared/listener-settings.ts";
import { isToken } from "../shared/token.ts";
import { flag, integer, members, where } from "./checks.ts";
import type { Check } from "./checks.ts";

/** A line is written at once, while requests wait: more than a screen of it helps nobody. */
const BODY_BYTES_MAX = 65_536;
/** Some 25 days, the longest delay that a timer of Node.js can have. */
const NEVER_MS = 2 ** 31 - 1;
const PATH = /^\/[^\s?#*]*\*?$/;

const object = members({
  requestHead: flag,
  requestBody: flag,
  responseHead: flag,
  responseBody: flag,
  bodyBytes: integer(0, BODY_BYTES_MAX),
  maskFields: where(
    (value) => isList(value, isToken),
    "an array of names of fields and parameters",
  ),
  maskPaths: where(
    (value) => isList(value, (text) => PATH.test(text)),
    "an array of paths, each of which may end in *",
  ),
  timeouts: flag,
});

/** As text only on or off. */
export const debug: Check = {
  kind: "boolean",
  schema: v.union([
    flag.schema, v.pipe(v.custom((value) => !Array.isArray(value)), object.schema),
  ]),
  says: `true, false, or ${object.says}`,
};

function isList(value: unknown, test: (text: string) => boolean): boolean {
  return Array.isArray(value) && value.every((each) => typeof each === "string" && test(each));
}

/** Who stops at a breakpoint must not find the connection gone. */
export function stopClocks(settings: ListenerSettings): void {
  const { debug: value } = settings;
  if (typeof value === "boolean" || value.timeouts !== false) return;
  settings.handlerTimeoutMs = 0;
  for (const name of CLOCKS) settings[name] = NEVER_MS;
}

const CLOCKS = ["headTimeoutMs", "bodyTimeoutMs", "idleTimeoutMs", "writeTimeoutMs"] as const;
