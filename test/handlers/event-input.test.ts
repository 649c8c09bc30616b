/** Tests of a request as properties: what no client of this test suite's servers can send. */
import t from "tap";
import { readEvent } from "../../src/handlers/event-input.ts";
import type { Context, MillraceRequest } from "../../src/shared/app.ts";

function contextOf(rawHeaders: [string, string][]): Context {
  const end = { address: "127.0.0.1", port: 1, family: "IPv4" };
  return { rawHeaders, connection: { remote: end, local: end } } as unknown as Context;
}

async function propertiesOf(request: Request, rawHeaders: [string, string][] = []) {
  const options = { valuesAs: "properties", semicolons: false } as const;
  const { bag } = await readEvent(request as MillraceRequest, contextOf(rawHeaders), options);
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
