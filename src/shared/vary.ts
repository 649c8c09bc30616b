/** The field `Vary` (RFC 9110 12.5.5). Pure. */

/** Its value with one more name in it, or as it is if it has the name, or `*`, already. */
export function withVary(value: string, name: string): string {
  const lower = name.toLowerCase();
  const names = value.split(",").map((each) => each.trim().toLowerCase());
  if (names.some((each) => each === "*" || each === lower)) return value;
  return value === "" ? name : `${value}, ${name}`;
}

/** Adds a name to `Vary`, unless it has it, or `*`, already. */
export function addVary(headers: Headers, name: string): void {
  headers.set("vary", withVary(headers.get("vary") ?? "", name));
}
