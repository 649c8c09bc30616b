/**
 * The line of JSON behind "@@" that lua/requests.lua, clients/churn.c and autocannon-process.mjs
 * print. A figure with errors behind it is none: reading such a line throws.
 */

const ERRORS = [
  "connectErrors",
  "readErrors",
  "writeErrors",
  "statusErrors",
  "timeouts",
  "mismatches",
  "resets",
];

export function readLine(output) {
  const line = /^@@(\{.*\})$/m.exec(output);
  if (!line) throw new Error(`the load printed no result: ${output.slice(0, 200)}`);
  const result = JSON.parse(line[1]);
  const errors = ERRORS.filter((name) => result[name] > 0);
  if (errors.length) {
    throw new Error(errors.map((name) => `${result[name]} ${name}`).join(", "));
  }
  if (result.requests === 0) throw new Error("no request was answered");
  return result;
}
