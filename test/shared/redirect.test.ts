/** Test of the helper for redirects. */
import t from "tap";
import { redirect } from "../../src/shared/redirect.ts";

t.test("it is an answer with a location, which may be relative", async (t) => {
  const found = redirect("/new?a=b");
  t.equal(found.status, 302);
  t.equal(found.headers.get("location"), "/new?a=b");
  t.equal(await found.text(), "");
  for (const status of [301, 302, 303, 307, 308]) t.equal(redirect("/", status).status, status);
  t.equal(redirect(new URL("http://a.test/b")).headers.get("location"), "http://a.test/b");
});

t.test("another status is refused, and so is a location that breaks the head", async (t) => {
  for (const status of [200, 300, 304, 404]) t.throws(() => redirect("/", status), RangeError);
  t.throws(() => redirect("/a\r\nset-cookie: b"), TypeError);
});
