/** Tests of rules of roles. */
import t from "tap";
import { checkRule, isSatisfied, type RoleRule, roleSet } from "../../src/handlers/role-rule.ts";

t.test("a string is one role", (t) => {
  t.strictSame(roleSet("admin"), new Set(["admin"]));
  t.strictSame(roleSet(["a", "b"]), new Set(["a", "b"]));
  t.strictSame(roleSet(undefined), new Set());
  t.strictSame(roleSet(null), new Set());
  t.end();
});

t.test("and, or, and both in each other", (t) => {
  const roles = new Set(["a", "b"]);
  const cases: [RoleRule, boolean][] = [
    ["a", true], ["c", false],
    [{ all: ["a", "b"] }, true], [{ all: ["a", "c"] }, false], [{ all: [] }, true],
    [{ any: ["c", "a"] }, true], [{ any: ["c", "d"] }, false], [{ any: [] }, false],
    [{ all: ["a", { any: ["c", "b"] }] }, true], [{ any: ["c", { all: ["a", "c"] }] }, false],
  ];
  for (const [rule, holds] of cases) {
    checkRule("mill", rule);
    t.equal(isSatisfied(rule, roles), holds, JSON.stringify(rule));
  }
  t.end();
});

t.test("what is no rule", (t) => {
  const wrong = [
    "", null, undefined, 1, [], ["a"], {}, { all: "a" }, { any: ["a"], all: ["b"] },
    { any: ["a"], not: [] }, { all: [[]] }, { all: [""] },
  ];
  for (const rule of wrong) {
    t.throws(() => checkRule("mill", rule), TypeError, JSON.stringify(rule));
  }
  t.end();
});
