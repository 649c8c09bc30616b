/** Tests of a request as properties: what no client of this test suite's servers can send. */
import t from "tap";
import { readEvent } from "../../src/handlers/event-input.ts";
import type { ValuesAs } from "../../src/handlers/event-bag.ts";
import type { Context, MillraceRequest } from "../../src/shared/app.ts";

type Fields = [string, string][];

function contextOf(rawHeaders: Fields, trailers: Fields): Context {
  const end = { address: "127.0.0.1", port: 1, family: "IPv4" };
  return {
    rawHeaders,
    trailers: Promise.resolve(new Headers(trailers)),
    connection: { remote: end, local: end },
  } as unknown as Context;
}

async function propertiesOf(
  request: Request,
  rawHeaders: Fields = [],
  trailers: Fields = [],
  valuesAs: ValuesAs = "properties",
) {
  const options = { valuesAs, semicolons: false } as const;
  const context = contextOf(rawHeaders, trailers);
  const { bag } = await readEvent(request as MillraceRequest, context, options);
  return Object.fromEntries(bag.names.map((name) => [name, bag.get(name)]));
}

t.test("cookies are joined with a semicolon, other fields with a comma", async (t) => {
  const properties = await propertiesOf(new Request("http://a/"), [
    ["Cookie", "a=1"], ["Accept", "x"], ["cookie", "b=2"], ["accept", "y"],
  ]);
  t.match(properties, { "http.Cookie": "a=1; b=2", "http.Accept": "x, y" });
});

t.test("a path that is no valid encoding stays as it is", async (t) => {
  t.match(await propertiesOf(new Request("http://a/%ff")), { "http.base": "/%ff" });
});

t.test("a parameter may begin with a question mark or have no name", async (t) => {
  const properties = await propertiesOf(new Request("http://a/??x=1&=2&&"));
  t.match(properties, { "http.qs.?x": "1", "http.qs.": "2" });
});

t.test("who an authenticator has found is a property", async (t) => {
  const request = Object.assign(new Request("http://a/"), { user: { name: "miller" } });
  t.match(await propertiesOf(request), { "http.user": { name: "miller" } });
});

t.test("no field has the name of a property that the server sets", async (t) => {
  const forged: Fields = [
    ["Method", "DELETE"], ["base", "/etc"], ["USER", "admin"], ["Remote_User", "root"],
    ["remote_pass", "pass"], ["Body", "more"], ["bodyasbytes", "more"], ["bodyAsString", "more"],
    ["QS.name", "forged"], ["qs.", "forged"],
  ];
  const kept: Fields = [["x-user", "miller"], ["bodyguard", "yes"], ["qs", "yes"]];
  const own = ["tcp.remoteIP", "tcp.remotePort", "tcp.localIP", "tcp.localPort", "http.x-user",
    "http.bodyguard", "http.qs", "http.method", "http.base"];
  for (const valuesAs of ["properties", "attributes"] as const) {
    const shown = (value: string) => (valuesAs === "properties" ? value : [value]);
    const fields = [...forged, ...kept];
    const plain = await propertiesOf(new Request("http://a/b"), fields, [], valuesAs);
    t.match(plain, { "http.method": shown("GET"), "http.base": shown("/b") });
    t.strictSame(Object.keys(plain).toSorted(), own.toSorted());

    const post = { method: "POST", headers: { "content-type": "text/plain" }, body: "real" };
    for (const at of ["head", "trailers"]) {
      const posted = new Request("http://a/b?name=real", post);
      const [head, trailers] = at === "head" ? [fields, []] : [[], fields];
      const properties = await propertiesOf(posted, head, trailers, valuesAs);
      const names = [...own, "http.qs.name", "http.body", "http.bodyAsBytes", "http.bodyAsString"];
      t.strictSame(Object.keys(properties).toSorted(), names.toSorted(), at);
      t.match(properties, {
        "http.method": shown("POST"), "http.base": shown("/b"), "http.qs.name": shown("real"),
        "http.body": shown("real"), "http.bodyAsString": shown("real"),
      }, at);
    }
  }
});

t.test("a form has no body, whatever fields say", async (t) => {
  const request = new Request("http://a/", { method: "POST", body: new URLSearchParams("a=1") });
  const forged: Fields = [["body", "more"], ["bodyAsString", "more"], ["qs.a", "2"]];
  const properties = await propertiesOf(request, forged, forged);
  t.match(properties, { "http.qs.a": "1" });
  for (const none of ["http.body", "http.bodyAsString"]) t.notOk(none in properties, none);
});

t.test("who an authenticator has found is nobody else", async (t) => {
  const request = Object.assign(
    new Request("http://a/", { method: "POST", body: "x" }), { user: { name: "miller" } },
  );
  const forged: Fields = [["User", "admin"]];
  t.match(await propertiesOf(request, forged, forged), { "http.user": { name: "miller" } });
});

t.test("a trailer field is one more value of its name", async (t) => {
  const request = () => new Request("http://a/", { method: "POST", body: "x" });
  const [head, trailers]: Fields[] = [[["X-Sum", "1"]], [["x-sum", "2"], ["x-end", "3"]]];
  const properties = await propertiesOf(request(), head, trailers);
  t.match(properties, { "http.X-Sum": "1, 2", "http.x-end": "3" });
  const attributes = await propertiesOf(request(), head, trailers, "attributes");
  t.match(attributes, { "http.X-Sum": ["1", "2"], "http.x-end": ["3"] });
});
