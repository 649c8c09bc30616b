/** The URL of a request and the path that is routed, against what `new URL()` says. */
import t from "tap";
import { RouteTables } from "../../src/worker/route-tables.ts";
import {
  canonicalPath,
  isPlainPath,
  originOf,
  pathOfUrl,
  requestUrl,
  Target,
} from "../../src/worker/target.ts";
import { startApp } from "../support/server.ts";

const TABLE = new RouteTables({ routes: {} }, []).server;

const TARGETS = [
  "/", "/a/b?c=d", "/a?", "/?", "/??a=b?c", "/a/../b", "/a/./b", "/../..", "/a/..", "/a/.", "/.",
  "/..", "/a/%2e%2e/b", "/a/%2E./b", "/.%2e/", "/a/...", "/a/.b", "/a/b..", "/a//b", "//a.test/b",
  "/\\evil", "/a\\..\\b", "/a\"b", "/a<b>", "/a`b", "/a{b}", "/a|b", "/a^b", "/a'b", "/%", "/%zz",
  "/%41", "/%c3%a9", "/%2f", "/a;b=c,d", "/[x]", "/a?b\"c", "/a?b'c", "/a?<x>", "/a?x`y", "/a?x{y}",
  "/a?x\\y", "/a?x^y|z", "/a?%zz", "/a?/../b", "/a?b=%2e%2e", "/a:b@c", "/~a", "/a$b&c=d!e*(f)",
  "/public/../admin", "/public/%2e%2e/admin", "/public/..%2fadmin", "/public/..\\admin", "/a?b?c",
];

const HOSTS = [
  "a.test", "A.Test", "a.test:80", "a.test:443", "a.test:8080", "a.test:", "a.test:080", "0x7f.1",
  "127.1", "2130706433", "0177.0.0.1", "[::1]", "[::1]:80", "[0:0:0:0:0:0:0:1]:81", "a_b.test",
  "a.test.", "%61.test", "a-b.test", "a!b", "a~b", "a+b", "localhost", "1.2.3.4:65535",
];

const SOURCE = `
  const echo = (request) => Response.json({ url: request.url, route: "fetch" });
  export default {
    routes: {
      "/admin": (request) => Response.json({ url: request.url, route: "admin" }),
      "/public/*": (request) => Response.json({ url: request.url, route: "public" }),
      "/p/:name/x": (request) => Response.json(request.params),
      "/p/:name": (request) => Response.json(request.params),
    },
    fetch: echo,
  };
`;

t.test("the fast way and the parser agree", async (t) => {
  for (const target of TARGETS) {
    const [raw = ""] = target.split("?");
    const query = target.slice(raw.length);
    const wanted = new URL(`http://a.test${target}`);
    const path = canonicalPath(raw);
    t.equal(path, wanted.pathname, target);
    t.equal(requestUrl("http://a.test", raw, query, path), wanted.href, target);
    t.equal(new Target(3, raw, TABLE).path, path);
  }
  t.equal(canonicalPath("*"), "*");
  t.equal(isPlainPath("/a/b.c"), true);
  t.equal(isPlainPath("/a/../b"), false);
  t.equal(pathOfUrl("http://a.test/b/../c?d"), "/c");
  t.equal(pathOfUrl("http://1.2.3.999/"), "");
  t.equal(canonicalPath(""), "");
});

t.test("origins are kept, but not without end", async (t) => {
  for (const host of HOSTS) t.equal(originOf("http:", host), new URL(`http://${host}/`).origin);
  for (let i = 0; i < 1000; i++) {
    t.equal(originOf("https:", `h${i}.test:443`), `https://h${i}.test`);
  }
  t.throws(() => originOf("http:", "256.256.256.256"), { message: "malformed Host" });
});

t.test("request.url over the wire is what new URL() makes of host and target", async (t) => {
  const { connect } = await startApp(t, SOURCE);
  const client = await connect();
  const urlOf = async (line: string, host: string): Promise<string> => {
    const { body } = await client.request(`GET ${line} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    return JSON.parse(body).url;
  };
  for (const target of TARGETS.filter((target) => !target.startsWith("/p/"))) {
    t.equal(await urlOf(target, "a.test"), new URL(`http://a.test${target}`).href, target);
    const absolute = `http://B.test:80${target}`;
    t.equal(await urlOf(absolute, "a.test"), new URL(absolute).href, absolute);
  }
  for (const host of HOSTS) t.equal(await urlOf("/x?y", host), new URL(`http://${host}/x?y`).href);
  t.equal(await urlOf("http://c.test?q", "a.test"), "http://c.test/?q");
  t.equal(await urlOf("HTTP://c.test/", "a.test"), "http://c.test/");
});

t.test("router and handler see the same path", async (t) => {
  const { connect } = await startApp(t, SOURCE);
  const client = await connect();
  const cases: [string, string][] = [
    ["/admin", "admin"], ["/public/x", "public"], ["/public/../admin", "admin"],
    ["/public/%2e%2e/admin", "admin"], ["/public/.%2E/admin", "admin"],
    ["/public/..\\admin", "admin"], ["/public/..%2fadmin", "public"], ["/Admin", "fetch"],
    ["/admin/", "fetch"], ["//admin", "fetch"], ["http://x.test/public/../admin", "admin"],
    ["/./admin", "admin"], ["/admin/.", "fetch"], ["/admin?x=/../public/y", "admin"],
  ];
  for (let round = 0; round < 3; round++) {
    for (const [target, route] of cases) {
      const { body } = await client.request(`GET ${target} HTTP/1.1\r\nHost: a.test\r\n\r\n`);
      t.equal(JSON.parse(body).route, route, target);
    }
  }
});

t.test("parameters are decoded once, and %2F stays", async (t) => {
  const { connect } = await startApp(t, SOURCE);
  const client = await connect();
  const cases: [string, string][] = [
    ["/p/plain", "plain"], ["/p/a%20b", "a b"], ["/p/%C3%A9", "\u00e9"], ["/p/a%2Fb", "a%2Fb"],
    ["/p/a%2fb%20", "a%2fb "], ["/p/%2525", "%25"], ["/p/%zz", "%zz"], ["/p/%2e%2e%2e", "..."],
    ["/p/a+b", "a+b"], ["/p/%00", "\0"],
  ];
  for (const [path, name] of cases) {
    for (const target of [path, `${path}/x`]) {
      const { body } = await client.request(`GET ${target} HTTP/1.1\r\nHost: a.test\r\n\r\n`);
      t.strictSame(JSON.parse(body), { name }, target);
    }
  }
});

t.test("HTTP/1.0 without Host has the server's own address", async (t) => {
  const { connect, port } = await startApp(t, SOURCE);
  const client = await connect();
  const { body } = await client.request("GET /x HTTP/1.0\r\n\r\n");
  t.equal(JSON.parse(body).url, `http://127.0.0.1:${port}/x`);
});
