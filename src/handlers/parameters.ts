/** Parameters of header fields (RFC 9110 5.6.6). Any thread. */
import { isToken } from "../shared/token.ts";

/** `name=value`. Throws a TypeError for a name that is none, and for what a field cannot hold. */
export function parameter(name: string, value: string): string {
  return typeof value === "string" && isToken(value) ? pair(name, value) : quoted(name, value);
}

/** The same, quoted whatever the value is: challenges want that of some (RFC 9110 11.6.1). */
export function quoted(name: string, value: string): string {
  if (typeof value !== "string" || !/^[\t\x20-\x7e]*$/.test(value)) {
    throw new TypeError(`The ${name} of a field is text of printable ASCII characters`);
  }
  return pair(name, `"${value.replace(/[\\"]/g, "\\$&")}"`);
}

function pair(name: string, text: string): string {
  if (!isToken(name)) throw new TypeError(`"${name}" is no name of a parameter`);
  return `${name}=${text}`;
}
