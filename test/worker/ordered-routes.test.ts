/** Rows of an ordered table by path: their order, their values, and what a look-up costs. */
import t from "tap";
import { patternOf, readConditions, type RouteConditions } from "../../src/shared/conditions.ts";
import { Router } from "../../src/worker/router.ts";

const handler = (): undefined => undefined;

function router(...rows: readonly RouteConditions[]): Router {
  return new Router(rows.map((row, at) => {
    const ordered = readConditions(row);
    return { id: `${at}`, pattern: patternOf(ordered), route: handler, ordered };
  }));
}

/** Ids of what matches, with "name=value". */
function matches(of: Router, path: string): string[] {
  return of.matchOrdered(path).map(({ route, values }) => (
    [route.id, ...route.paramNames.map((name, at) => `${name}=${values[at]}`)].join(" ")
  ));
}

t.test("the order of the table counts, whatever kind the rows are", async (t) => {
  const own = router(
    {}, { regex: /^\/a/ }, { path: "/a/:b" }, { prefix: "/a" }, { path: "/a/b" }, { path: "/*" },
  );
  t.strictSame(matches(own, "/a/b"), ["0 *=a/b", "1", "2 b=b", "3 *=b", "4", "5 *=a/b"]);
  t.strictSame(matches(own, "/z"), ["0 *=z", "5 *=z"]);
});

t.test("a prefix ends where a segment ends", async (t) => {
  const own = router({ prefix: "/docs" }, { prefix: "/docs/" }, { prefix: "/" });
  t.strictSame(matches(own, "/docs"), ["0 *=", "2 *=docs"]);
  t.strictSame(matches(own, "/docs/"), ["0 *=", "1 *=", "2 *=docs/"]);
  t.strictSame(matches(own, "/docs/a/b"), ["0 *=a/b", "1 *=a/b", "2 *=docs/a/b"]);
  t.strictSame(matches(own, "/docsa"), ["2 *=docsa"]);
  t.strictSame(matches(own, "/%64ocs/a"), ["0 *=a", "1 *=a", "2 *=docs/a"], "decoded");
  t.strictSame(matches(router({ prefix: "/u/:id" }), "/u/7/x"), ["0 id=7 *=x"]);
  t.strictSame(matches(router({ prefix: "/u/:id" }), "/u/7"), ["0 id=7 *="]);
});

t.test("an expression sees the decoded path, and gives its groups", async (t) => {
  const own = router({ regex: /^\/(?<year>\d{4})\/(.*?)(x)?$/ });
  t.strictSame(matches(own, "/2026/%61%2Fb"), ["0 1=2026 2=a%2Fb 3= year=2026"]);
  t.strictSame(matches(own, "/26/a"), []);
  t.strictSame(matches(router({ regex: /A/i }), "/%61"), ["0"]);
});

t.test("extensions are those of the last segment", async (t) => {
  const own = router({ extensions: ["html", "php"] }, { prefix: "/a.html", extensions: "txt" });
  t.strictSame(matches(own, "/x/y.HTML"), ["0 *=x/y.HTML"]);
  t.strictSame(matches(own, "/a.html/b"), []);
  t.strictSame(matches(own, "/a.html/b.tar.txt"), ["1 *=b.tar.txt"]);
  t.strictSame(matches(own, "/html"), []);
});

t.test("what is wrong with a path is said", async (t) => {
  const invalid = { code: "ERR_MILLRACE_ROUTE_INVALID" };
  t.throws(() => router({ path: "/a/*/b" }), invalid);
  t.throws(() => router({ prefix: "/a?b" }), invalid);
  t.throws(() => router({ path: "/:a/:a" }), invalid);
});
