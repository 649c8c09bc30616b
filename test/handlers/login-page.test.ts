/** Tests of the plain login page. */
import t from "tap";
import { loginPage } from "../../src/handlers/login-page.ts";

t.test("what was typed is text, whatever it is", async (t) => {
  const evil = `"><script>alert('x')</script>&`;
  const page = loginPage({ action: "/login", to: evil, hasFailed: true, user: evil });
  const text = await page.text();
  t.notMatch(text, /<script/);
  const written = "&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;";
  t.equal(text.split(written).length, 3);
  t.match(text, "User or password is wrong.");
  t.equal(page.headers.get("cache-control"), "no-store");
  t.match(page.headers.get("content-security-policy"), "frame-ancestors 'none'");
  const first = await loginPage({ action: "/in", to: "/", hasFailed: false, user: "" }).text();
  t.notMatch(first, "wrong");
  t.match(first, '<form method="post" action="/in">');
});
