/** Tests of the field Vary. */
import t from "tap";
import { withVary } from "../../src/shared/vary.ts";

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
