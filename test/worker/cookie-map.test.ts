/** Tests of the cookies of a request: as a map, and in answers of every kind. */
import t from "tap";
import { RequestCookies } from "../../src/worker/cookie-map.ts";
import { startApp } from "../support/server.ts";

t.test("what came, and what was set since", (t) => {
  const map = new RequestCookies("a=1; b=x%20y; a=2; __proto__=p");
  t.strictSame([...map], [["a", "1"], ["b", "x y"], ["__proto__", "p"]]);
  t.equal(map.get("toString"), null);
  t.strictSame(map.toSetCookieHeaders(), []);
  t.equal(map.lines, "");
  map.set("a", "3");
  map.set({ name: "c", value: "4", path: "/c" });
  map.delete("b");
  map.delete({ name: "gone", path: "/d" });
  t.strictSame([map.get("a"), map.has("b"), map.get("c"), map.size], ["3", false, "4", 3]);
  t.strictSame([...map.keys()], ["a", "__proto__", "c"]);
  t.strictSame([...map.values()], ["3", "p", "4"]);
  t.strictSame([...map.entries()], [...map]);
  t.equal(JSON.stringify(map), '{"a":"3","__proto__":"p","c":"4"}');
  const seen: unknown[] = [];
  map.forEach((value, name, given) => seen.push([name, value, given === map]));
  t.strictSame(seen[0], ["a", "3", true]);
  t.equal(map.toSetCookieHeaders().length, 4);
  t.strictSame([...new RequestCookies(null)], []);
  t.end();
});

t.test("the last one of a name and a place is set", (t) => {
  const map = new RequestCookies(null);
  map.set("a", "1");
  map.set("a", "2", { path: "/" });
  map.set("a", "3", { path: "/b" });
  map.delete("a");
  t.strictSame(map.toSetCookieHeaders().map((text) => text.split("; HttpOnly")[0]), [
    "a=; Max-Age=0; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "a=3; Path=/b",
  ]);
  t.throws(() => map.set("b", "1", { domain: "a b" }), TypeError);
  t.throws(() => map.set("a\r\nb", "1"), TypeError);
  t.throws(() => map.set("b", "1", { sameSite: "None" as "none", secure: false }), TypeError);
  for (const value of [undefined, null]) {
    t.throws(() => map.set("b", value as never), /The cookie b: its value/);
    t.throws(() => map.set({ name: "b", value: value as never }), /The cookie b: its value/);
  }
  t.equal(map.has("b"), false, "what is refused is not there");
  t.equal(map.toSetCookieHeaders().length, 2);
  t.end();
});

const APP = `
  const constant = new Response("kept", { headers: { "set-cookie": "own=1" } });
  async function* late(request) { yield "x"; request.cookies.set("late", "1"); yield "y"; }
  export default {
    routes: {
      "/text": (request) => { request.cookies.set("a", "1"); return "text"; },
      "/constant": (request) => { request.cookies.set("a", "1"); return constant; },
      "/reason": (request) => {
        request.cookies.set("a", "1");
        return new Response(null, { status: 404, statusText: "Gone fishing" });
      },
      "/stream": (request) => {
        request.cookies.set("a", "1");
        return new Response(late(request));
      },
      "/throws": (request) => { request.cookies.set("a", "1"); throw new Error("broken"); },
      "/declines/:x": (request) => void request.cookies.set("a", request.params.x),
      "/next/:x": async (request, context) => {
        request.cookies.set("b", "2");
        return await context.next();
      },
      "/clone": (request) => { request.clone().cookies.set("a", "1"); return "text"; },
      "/made": () => { new Request("http://a/").cookies.set("a", "1"); return "text"; },
      "/read": (request) => Response.json([...request.cookies]),
    },
    fetch: (request) => new Response(request.cookies.get("a") ?? "none"),
    error: () => new Response("failed", { status: 500 }),
  };
`;

t.test("cookies go out with the answer, whoever gives it", async (t) => {
  const { connect } = await startApp(t, APP);
  const client = await connect();
  const ask = async (path: string, fields = "", method = "GET"): Promise<unknown[]> => {
    const answer = await client.request(`${method} ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`);
    const set = answer.headers.filter(([name]) => name.toLowerCase() === "set-cookie");
    return [answer.status, answer.body, ...set.map(([, value]) => value.split(";")[0])];
  };
  t.strictSame(await ask("/text"), [200, "text", "a=1"]);
  t.strictSame(await ask("/constant"), [200, "kept", "own=1", "a=1"]);
  t.strictSame(await ask("/constant"), [200, "kept", "own=1", "a=1"], "not kept for the next");
  t.strictSame(await ask("/reason"), [404, "", "a=1"]);
  t.strictSame(await ask("/stream"), [200, "xy", "a=1"], "behind the head it is too late");
  t.strictSame(await ask("/throws"), [500, "failed", "a=1"]);
  t.strictSame(await ask("/declines/5"), [200, "5", "a=5"]);
  t.strictSame(await ask("/next/5"), [200, "none", "b=2"]);
  t.strictSame(await ask("/clone"), [200, "text", "a=1"]);
  t.strictSame(await ask("/made"), [200, "text"]);
  const fields = "Cookie: a=1; b=2\r\nCookie: c=%33\r\n";
  t.strictSame(await ask("/read", fields), [200, '[["a","1"],["b","2"],["c","3"]]']);
});
