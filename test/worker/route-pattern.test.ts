/** Patterns of routes. */
import t from "tap";
import { decodeSegment, paramNames, parsePattern } from "../../src/worker/route-pattern.ts";

t.test("segments", async (t) => {
  t.strictSame(parsePattern("/"), [{ kind: "exact", text: "" }]);
  t.strictSame(parsePattern("/a/:id/*"), [
    { kind: "exact", text: "a" },
    { kind: "param", name: "id" },
    { kind: "rest" },
  ]);
  t.strictSame(paramNames(parsePattern("/:a/b/:c-d/*")), ["a", "c-d", "*"]);
  t.strictSame(parsePattern("/caf%C3%A9"), parsePattern("/café"));
});

t.test("bad patterns are named", async (t) => {
  const bad = [
    "", "a", "*", "/*/a", "/a*", "/:", "/:a.b", "/:a/:a", "/a?b", "/a#b", "/a/../b", "/%2e", "/:a*",
  ];
  for (const pattern of bad) {
    try {
      parsePattern(pattern);
      t.fail(pattern);
    } catch (error) {
      t.match(error, { code: "ERR_MILLRACE_ROUTE_INVALID" });
      t.ok((error as Error).message.includes(`"${pattern}"`), pattern);
    }
  }
});

t.test("decoding, once, and not of slashes", async (t) => {
  const cases = {
    a: "a", "%C3%A4": "ä", "%2525": "%25", "a%2Fb": "a%2Fb", "a%2f%20": "a%2f ", "%": "%",
    "%zz%20": "%zz%20", "%ff%2F%20": "%ff%2F ",
  };
  for (const [text, decoded] of Object.entries(cases)) t.equal(decodeSegment(text), decoded);
});
