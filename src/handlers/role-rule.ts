/**
 * What a user must be: a role, all of some, or any of some, nested as need be. Any thread.
 */
import { wrongOption } from "../shared/option-checks.ts";

export type RoleRule =
  | string
  | { readonly all: readonly RoleRule[] }
  | { readonly any: readonly RoleRule[] };

/** A string is one role, as directories give an attribute that has one value. */
export type Roles = string | Iterable<string>;

export type RolesOf = (user: unknown) => Roles | Promise<Roles>;

/** Null and undefined, as of an attribute that is not there: none. */
export function roleSet(roles: Roles | null | undefined): ReadonlySet<string> {
  return new Set(typeof roles === "string" ? [roles] : roles);
}

/** An empty `all` is satisfied by everybody, an empty `any` by nobody. */
export function isSatisfied(rule: RoleRule, roles: ReadonlySet<string>): boolean {
  if (typeof rule === "string") return roles.has(rule);
  if ("all" in rule) return rule.all.every((each) => isSatisfied(each, roles));
  return rule.any.some((each) => isSatisfied(each, roles));
}

/** `who` has the rule. Throws a TypeError for what is none. */
export function checkRule(who: string, rule: unknown): asserts rule is RoleRule {
  if (typeof rule === "string" && rule !== "") return;
  const [[name, list] = [], ...rest] = Object.entries(Object(rule) as object);
  const isNamed = name === "all" || name === "any";
  if (typeof rule !== "object" || !isNamed || rest.length > 0 || !Array.isArray(list)) {
    throw wrongOption(`${who}: a rule of roles is a name, { all: [rules] } or { any: [rules] }`);
  }
  for (const each of list) checkRule(who, each);
}
