/** Tests of the field Vary. */
import t from "tap";
import { addVary, withVary } from "../../src/shared/vary.ts";

t.test("each name is in it once, and * stands for all", (t) => {
  const cases = [
    ["", "Origin", "Origin"],
    ["Accept", "Origin", "Accept, Origin"],
    ["Accept, Origin", "Origin", "Accept, Origin"],
    ["accept,ORIGIN", "Origin", "accept,ORIGIN"],
    ["Origins", "Origin", "Origins, Origin"],
    ["X-Origin", "Origin", "X-Origin, Origin"],
    ["*", "Origin", "*"],
    ["Accept, *", "Origin", "Accept, *"],
  ] as const;
  for (const [value, name, wanted] of cases) t.equal(withVary(value, name), wanted);
  t.end();
});

t.test("Headers are given it", (t) => {
  const headers = new Headers();
  addVary(headers, "Origin");
  addVary(headers, "origin");
  addVary(headers, "Accept");
  t.equal(headers.get("vary"), "Origin, Accept");
  headers.set("vary", "*");
  addVary(headers, "Origin");
  t.equal(headers.get("vary"), "*");
  t.end();
});
