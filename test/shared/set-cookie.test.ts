/** Tests of the text of a cookie. What is refused: test/handlers/cookies.test.ts. */
import t from "tap";
import { endCookieText, setCookieText } from "../../src/shared/set-cookie.ts";

t.test("a cookie is safe unless it is told otherwise", (t) => {
  t.equal(setCookieText("a", "x y", {}), "a=x%20y; Path=/; HttpOnly; Secure; SameSite=Lax");
  t.equal(setCookieText("a", "", { secure: false, httpOnly: false, sameSite: "strict" }),
    "a=; Path=/; SameSite=Strict");
  t.match(setCookieText("a", "1", { sameSite: "None" as "none" }), /; Secure; SameSite=None$/);
  t.match(setCookieText("a", "\ud800x", {}), /^a=%EF%BF%BDx;/, "half a character");
  t.throws(() => setCookieText("a", "1", { secure: false, sameSite: "none" }), TypeError);
  t.end();
});

t.test("the one that ends a cookie stands where the cookie does", (t) => {
  t.equal(endCookieText("a", { path: "/b", domain: "c.example" }),
    "a=; Max-Age=0; Domain=c.example; Path=/b; Expires=Thu, 01 Jan 1970 00:00:00 GMT; " +
    "HttpOnly; Secure; SameSite=Lax");
  t.end();
});

t.test("what is longer than browsers keep is refused", (t) => {
  t.equal(setCookieText("n", "v".repeat(4095), {}).length > 4096, true);
  for (const [name, value] of [["n", "v".repeat(4096)], ["n", '"'.repeat(1366)]] as const) {
    t.throws(() => setCookieText(name, value, {}), { message: /longer than a browser keeps/ });
  }
  t.throws(() => setCookieText("n", "", { path: `/${"p".repeat(7000)}` }), TypeError);
  t.end();
});
