/** Tests of binds as text and as URLs. */
import t from "tap";
import { bindText, bindUrl, parseBind } from "../../src/options/bind.ts";
import type { Bind } from "../../src/options/bind.ts";

t.test("a bind is a port, an address with a port, or a path", async (t) => {
  t.strictSame(parseBind("0"), { port: 0 });
  t.strictSame(parseBind("example.org:80"), { host: "example.org", port: 80 });
  t.strictSame(parseBind("127.0.0.1:8080"), { host: "127.0.0.1", port: 8080 });
  t.strictSame(parseBind("[::1]:8080"), { host: "::1", port: 8080 });
  t.strictSame(parseBind("/run/app.sock"), { path: "/run/app.sock" });
  t.strictSame(parseBind("./app.sock"), { path: "./app.sock" });
});

t.test("it may be a URL, whose port is 80 unless it says so", async (t) => {
  t.strictSame(parseBind("http://127.0.0.1:8080"), { host: "127.0.0.1", port: 8080 });
  t.strictSame(parseBind("http://[::1]:8080/"), { host: "::1", port: 8080 });
  t.strictSame(parseBind("http://example.org/"), { host: "example.org", port: 80 });
  t.strictSame(parseBind("http://[::]"), { host: "::", port: 80 });
  for (const wrong of ["http://", "http://a/b", "http://a:b@c:80", "http://[x]", "https://a:1"]) {
    t.throws(() => parseBind(wrong), { code: "ERR_MILLRACE_OPTION_INVALID" }, wrong);
  }
  t.throws(() => parseBind("https://a:1"), { message: /https/ });
});

t.test("it may be an abstract name, a descriptor or sockets of systemd", async (t) => {
  t.strictSame(parseBind("@app"), { path: "@app" });
  t.strictSame(parseBind("@a/b"), { path: "@a/b" });
  t.strictSame(parseBind("fd:3"), { fd: 3 });
  t.strictSame(parseBind("systemd"), { systemd: "" });
  t.strictSame(parseBind("systemd:web.socket"), { systemd: "web.socket" });
  t.strictSame(parseBind("systemd:80"), { host: "systemd", port: 80 }, "a host of that name");
  t.throws(() => parseBind("fd:99999999999"), { message: /descriptor of bind must be an integer/ });
});

t.test("any other bind is refused", async (t) => {
  const wrongs = [
    "", "@", "localhost", ":80", "::1:80", "[::1]", "[x]:80", "a:b", "a:80 ", "-1", "fd:", "fd:x",
    "systemd:",
  ];
  for (const wrong of wrongs) {
    t.throws(() => parseBind(wrong), { code: "ERR_MILLRACE_OPTION_INVALID" }, wrong);
  }
  for (const wrong of ["65536", "a:65536", "999999999999", "http://a:65536"]) {
    t.throws(() => parseBind(wrong), { message: /port of bind must be an integer/ }, wrong);
  }
});

t.test("its text says it again", async (t) => {
  const texts = ["127.0.0.1:80", "[::1]:80", "a.test:0", "/run/a.sock", "@app", "fd:3", "systemd",
    "systemd:web"];
  for (const text of texts) t.equal(bindText(parseBind(text) as Bind), text);
});

t.test("its URL reaches it", async (t) => {
  t.equal(bindUrl({ host: "localhost", port: 80 }), "http://localhost:80");
  t.equal(bindUrl({ host: "::1", port: 80 }, { scheme: "https" }), "https://[::1]:80");
  t.equal(bindUrl({ path: "/run/a.sock" }), "http+unix:/run/a.sock");
  t.equal(bindUrl({ fd: 3 }), "");
  t.equal(bindUrl({ systemd: "web" }), "");
});

t.test("the URL of a wildcard is one that can be used", async (t) => {
  t.equal(bindUrl({ host: "0.0.0.0", port: 80 }), "http://127.0.0.1:80");
  t.equal(bindUrl({ host: "::", port: 80 }), "http://[::1]:80");
  const wildcardHost = "web.test";
  t.equal(bindUrl({ host: "0.0.0.0", port: 80 }, { wildcardHost }), "http://web.test:80");
  t.equal(bindUrl({ host: "10.0.0.1", port: 80 }, { wildcardHost }), "http://10.0.0.1:80");
});
