/** Tests of what leads away from a site, and of what comes from another. */
import t from "tap";
import { isForged, pathOnSite } from "../../src/handlers/same-origin.ts";

t.test("a path of the site is one, and nothing else is", (t) => {
  for (const path of ["/", "/a/b?c=d&e#f", "/a?to=//b", "/a//b", "/%2f%2fb"]) {
    t.equal(pathOnSite(path), path, path);
  }
  t.equal(pathOnSite("/a/../b"), "/b");
  const elsewhere = [
    null, "", "a", "//b", "/\\b", "\\\\b", "/\t/b", "/\n/b", "/\r\\b", " //b", "http://b/", "/.//b",
    "/a/..//b", "/./\\b", "/%2e//b", "https:/b", "javascript:alert(1)", "///b",
    `/${"a".repeat(2048)}`, "http:b", "?a", "//", "//[",
  ];
  for (const text of elsewhere) t.equal(pathOnSite(text), null, JSON.stringify(text));
  t.equal(pathOnSite("/a\r\nSet-Cookie: b"), "/aSet-Cookie:%20b", "no field can be begun");
  t.end();
});

t.test("what another site has had a browser send", (t) => {
  const sent = (fields: Record<string, string>, method = "POST"): boolean => (
    isForged(new Request("http://mill.example/a", { method, headers: fields }))
  );
  t.equal(sent({}), false, "no browser");
  t.equal(sent({ "sec-fetch-site": "same-origin" }), false);
  t.equal(sent({ "sec-fetch-site": "none" }), false);
  for (const site of ["cross-site", "same-site", "other"]) {
    t.equal(sent({ "sec-fetch-site": site }), true, site);
    t.equal(sent({ "sec-fetch-site": site }, "GET"), false, "what is safe changes nothing");
  }
  t.equal(sent({ origin: "http://mill.example" }), false);
  t.equal(sent({ origin: "https://mill.example" }), false, "a proxy may end TLS");
  t.equal(sent({ origin: "http://other.example" }), true);
  t.equal(sent({ origin: "http://mill.example:8080" }), true);
  t.equal(sent({ origin: "null" }), true);
  t.end();
});

t.test("what switches the connection over is not safe, whatever its method", (t) => {
  const asked = (fields: Record<string, string>): boolean => isForged(
    new Request("http://mill.example/a", { headers: { upgrade: "websocket", ...fields } }),
  );
  t.equal(asked({}), false, "no browser");
  t.equal(asked({ origin: "https://mill.example" }), false);
  t.equal(asked({ origin: "https://other.example" }), true);
  t.equal(asked({ "sec-fetch-site": "same-origin" }), false);
  t.equal(asked({ "sec-fetch-site": "cross-site" }), true);
  t.end();
});
