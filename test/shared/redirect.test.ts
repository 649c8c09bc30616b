/** Test of the helper for redirects. */
import t from "tap";
import {
  escapedLocation, isLocation, isShortLocation, locationFrom, redirect,
} from "../../src/shared/redirect.ts";

t.test("it is an answer with a location, which may be relative", async (t) => {
  const found = redirect("/new?a=b");
  t.equal(found.status, 302);
  t.equal(found.headers.get("location"), "/new?a=b");
  t.equal(found.headers.get("content-type")?.toLowerCase(), "text/plain;charset=utf-8");
  t.equal(await found.text(), "Redirecting to /new?a=b\n");
  for (const status of [301, 302, 303, 307, 308]) t.equal(redirect("/", status).status, status);
  t.equal(redirect(new URL("http://a.test/b")).headers.get("location"), "http://a.test/b");
});

t.test("what a field cannot hold is escaped, as in the redirect of a reply", async (t) => {
  const found = redirect("/日本 b?c=é%20d#\ud800");
  t.equal(found.headers.get("location"), "/%E6%97%A5%E6%9C%AC%20b?c=%C3%A9%20d#%EF%BF%BD");
  t.equal(await found.text(), `Redirecting to ${found.headers.get("location")}\n`);
  t.equal(escapedLocation("/a\r\nb"), "/a%0D%0Ab");
});

t.test("another status is refused, and so is a location that breaks the head", async (t) => {
  for (const status of [200, 300, 304, 404]) t.throws(() => redirect("/", status), RangeError);
  t.throws(() => redirect("/a\r\nset-cookie: b"), TypeError);
});

t.test("short locations are the same URL by another scheme, or another path of the host", (t) => {
  const url = "http://a.test:8080/b%20c?d=e";
  const from = (location: string, expected: string): void => {
    t.equal(locationFrom(location, url), expected);
    t.equal(isShortLocation(location), location !== expected, location);
  };
  from("https://", "https://a.test/b%20c?d=e");
  from("http://", "http://a.test/b%20c?d=e");
  from("https:///", "https://a.test/");
  from("https:///x?y", "https://a.test/x?y");
  for (const same of ["/x", "//b.test", "https://b.test", "https:/x", "ftp://", "x"]) {
    from(same, same);
  }
  t.equal(locationFrom("https://", "http://[::1]:80/"), "https://[::1]/");
  t.end();
});

t.test("what can be a location: any URL, relative ones and with a wildcard too", async (t) => {
  for (const location of [
    "/x", "x", "2024", "../x", "./a:b", "?a=b", "#a", "//b.test/x", "/日本", "/a b", "/a:b",
    "https://b.test", "https://b.test:8443/x?y", "https://日本.example/", "http://[::1]:80/",
    "https://", "http://", "https:///x", "https:///[", "mailto:a@b.test",
    "*", "/*", "/x?to=*", "https://*.b.test/", "https://b.*/x", "https://b.test*",
    "http://b.test:*/",
  ]) {
    t.ok(isLocation(location), location);
  }
  for (const location of [
    "", "301:", "30:/x", "30x:/x", ":x", "http://[bad/", "https://a b/", "http://a:99999/",
    "//", "https://[*/", "ftp://", "*:/x",
  ]) {
    t.notOk(isLocation(location), location);
  }
});
