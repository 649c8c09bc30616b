/** What rows ask of a request beside its path. */
import t from "tap";
import type { Context, MillraceRequest } from "../../src/shared/app.ts";
import { type RouteConditions, readConditions } from "../../src/shared/conditions.ts";
import { Conditions, isConditional, isForSome } from "../../src/worker/conditions.ts";

const context = { listener: { id: "main", name: "front", data: null } } as unknown as Context;

function holds(given: RouteConditions, url: string, headers: Record<string, string> = {}): boolean {
  const request = { url, headers: new Headers(headers) } as unknown as MillraceRequest;
  return new Conditions(readConditions(given)).hold(request, context);
}

t.test("hosts: with and without port, and what is below a name", async (t) => {
  const url = "http://a.example:8080/";
  t.ok(holds({ hosts: "A.Example" }, url));
  t.ok(holds({ hosts: "a.example:8080" }, url));
  t.notOk(holds({ hosts: "a.example:81" }, url));
  t.notOk(holds({ hosts: "a.example:8080" }, "http://a.example/"));
  t.ok(holds({ hosts: "a.example:80" }, "http://a.example/"), "a URL leaves the default out");
  t.ok(holds({ hosts: "*.example:443" }, "https://a.example/"));
  t.ok(holds({ hosts: "[::1]:80" }, "http://[::1]/"));
  t.notOk(holds({ hosts: "a.example:80" }, "https://a.example/"));
  t.notOk(holds({ hosts: "a.example:443" }, "http://a.example/"));
  t.notOk(holds({ hosts: "a.example:80" }, url));
  t.ok(holds({ hosts: ["b.example", "*.example"] }, url));
  t.notOk(holds({ hosts: "*.a.example" }, url), "it is not below itself");
  t.notOk(holds({ hosts: "example" }, url));
  t.ok(holds({ hosts: "[::1]" }, "http://[::1]:8080/"));
  t.notOk(holds({ hosts: "b.example" }, "http://a.example/b.example"), "of the host alone");
});

t.test("protocol and listener", async (t) => {
  t.ok(holds({ protocol: "https" }, "https://a/"));
  t.notOk(holds({ protocol: "https" }, "http://a/"));
  t.ok(holds({ listener: "main" }, "http://a/"), "by id");
  t.ok(holds({ listener: ["x", "front"] }, "http://a/"), "by name");
  t.notOk(holds({ listener: "admin" }, "http://a/"));
});

t.test("content types, without parameters", async (t) => {
  const type = (value: string): Record<string, string> => ({ "content-type": value });
  const one = { contentTypes: ["application/json", "text/*"] };
  t.ok(holds(one, "http://a/", type("Application/JSON; charset=utf-8")));
  t.ok(holds(one, "http://a/", type("text/csv")));
  t.notOk(holds(one, "http://a/", type("textual/csv")));
  t.notOk(holds(one, "http://a/", type("application/jsonp")));
  t.notOk(holds(one, "http://a/"), "there is none");
});

t.test("headers: there, not there, equal and like", async (t) => {
  const wanted = { headers: { "X-A": true, "x-b": false, "x-c": "v", "x-d": /^\d+$/ } } as const;
  const good = { "x-a": "", "x-c": "v", "x-d": "12" };
  t.ok(holds(wanted, "http://a/", good));
  t.notOk(holds(wanted, "http://a/", { ...good, "x-b": "" }));
  t.notOk(holds(wanted, "http://a/", { ...good, "x-c": "V" }));
  t.notOk(holds(wanted, "http://a/", { ...good, "x-d": "12a" }));
  t.notOk(holds(wanted, "http://a/", { "x-c": "v", "x-d": "12" }));
  t.notOk(holds(wanted, "http://a/", { "x-a": "", "x-d": "12" }));
});

t.test("what is asked of a body says nothing of other methods, the rest does", async (t) => {
  const is = (given: RouteConditions): boolean => isForSome(readConditions(given));
  t.notOk(is({ path: "/a", extensions: "html", contentTypes: "a/b" }));
  for (const given of [
    { hosts: "a" }, { headers: { a: true } }, { listener: "a" }, { protocol: "http" },
  ] as const) {
    t.ok(is(given));
  }
});

t.test("what path and method say is no condition of this kind", async (t) => {
  const is = (given: RouteConditions): boolean => isConditional(readConditions(given));
  t.notOk(is({ prefix: "/a", extensions: "html" }));
  for (const given of [
    { hosts: "a" }, { headers: { a: true } }, { contentTypes: "a/b" }, { listener: "a" },
    { protocol: "http" },
  ] as const) {
    t.ok(is(given));
  }
});
