/** Tests of fields between two connections. */
import t from "tap";
import { endToEnd, listsOf, withOrigin } from "../../src/handlers/forward-headers.ts";
import type { Context, Endpoint } from "../../src/shared/app.ts";
import { pairsOf } from "../../src/shared/raw-fields.ts";

t.test("what concerns one connection stays behind, named or not", (t) => {
  const fields = pairsOf([
    "Host", "a", "Connection", "close, X-Own", "X-Own", "1", "X-Kept", "2", "x-kept", "3",
    "Keep-Alive", "5", "TE", "trailers", "Trailer", "x", "Transfer-Encoding", "chunked",
    "Upgrade", "h2c", "Proxy-Authorization", "p", "Proxy-Connection", "close",
    "connection", "x-other", "X-OTHER", "1", "Authorization", "kept",
  ]);
  t.strictSame(endToEnd(fields), [
    ["Host", "a"], ["X-Kept", "2"], ["x-kept", "3"], ["Authorization", "kept"],
  ]);
  t.strictSame(listsOf(endToEnd(fields)), {
    Host: "a", "X-Kept": ["2", "3"], Authorization: "kept",
  });
  t.end();
});

t.test("where it came from is added to what was said", (t) => {
  const contextOf = (remote: Endpoint): Context => ({ connection: { remote } }) as Context;
  const url = new URL("https://mill.example:8443/a");
  const peer: Endpoint = { address: "192.0.2.1", port: 1, family: "IPv4" };
  t.strictSame(withOrigin([["X-A", "1"]], contextOf(peer), url), [
    ["X-A", "1"], ["X-Forwarded-For", "192.0.2.1"], ["X-Forwarded-Proto", "https"],
    ["X-Forwarded-Host", "mill.example:8443"], ["Via", "1.1 millrace"],
  ]);
  const said = pairsOf([
    "X-Forwarded-For", "198.51.100.1", "x-forwarded-for", "198.51.100.2", "via", "1.0 old",
    "x-forwarded-proto", "http", "X-FORWARDED-HOST", "first.example",
  ]);
  t.strictSame(withOrigin(said, contextOf({ address: "", family: "unix" }), url), [
    ["X-Forwarded-For", "198.51.100.1, 198.51.100.2, unknown"], ["X-Forwarded-Proto", "http"],
    ["X-Forwarded-Host", "first.example"], ["Via", "1.0 old, 1.1 millrace"],
  ]);
  t.end();
});
