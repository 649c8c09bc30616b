/** Tests of cookies. */
import t from "tap";
import {
  cookiesOf, deleteCookie, setCookie, type CookieOptions,
} from "../../src/handlers/cookies.ts";

function read(text?: string): Record<string, string> {
  const headers = new Headers(text === undefined ? {} : { cookie: text });
  return cookiesOf(new Request("http://a/", { headers }));
}

t.test("cookies of a request", (t) => {
  t.strictSame({ ...read("a=1; b=x%20y; a=2; c=\"q\"; d=") }, {
    a: "1", b: "x y", c: '"q"', d: "",
  });
  t.strictSame({ ...read("a=%ff; broken; =x; b=%41") }, { a: "%ff", "": "x", b: "A" });
  t.strictSame({ ...read() }, {});
  t.equal(read("a=1")["toString"], undefined);
  t.equal(read("__proto__=1")["__proto__"], "1");
  t.end();
});

function written(name: string, value: string, options?: CookieOptions): string[] {
  const headers = new Headers();
  setCookie(headers, name, value, options);
  return headers.getSetCookie();
}

t.test("what is written is safe unless it is asked for otherwise", (t) => {
  t.strictSame(written("a", "x y;ä"), [
    "a=x%20y%3B%C3%A4; Path=/; HttpOnly; Secure; SameSite=Lax",
  ]);
  t.strictSame(written("a", "1", {
    path: "/b", domain: "mill.example", secure: false, httpOnly: false, sameSite: "strict",
    maxAge: 60, expires: new Date(0),
  }), ["a=1; Max-Age=60; Domain=mill.example; Path=/b; " +
    "Expires=Thu, 01 Jan 1970 00:00:00 GMT; SameSite=Strict"]);
  t.match(written("__Host-a", "1", { partitioned: true })[0], /; Partitioned/);
  const headers = new Headers();
  setCookie(headers, "a", "1");
  setCookie(headers, "b", "2");
  deleteCookie(headers, "c", { path: "/d" });
  t.equal(headers.getSetCookie().length, 3);
  t.match(headers.getSetCookie()[2], /^c=; Max-Age=0; Path=\/d; Expires=Thu, 01 Jan 1970/);
  t.end();
});

t.test("what no browser would keep is refused", (t) => {
  const wrong: [string, string, CookieOptions][] = [
    ["a b", "1", {}], ["", "1", {}], ["a", "1", { path: "/;x" }], ["a", "1", { domain: "a b" }],
    ["a", "1", { sameSite: "none", secure: false }], ["a", "1", { maxAge: 1.5 }],
    ["a", "1", { partitioned: true, secure: false }], ["__Secure-a", "1", { secure: false }],
    ["__Host-a", "1", { path: "/b" }], ["__host-a", "1", { domain: "a.example" }],
    ["a", "1", { expires: new Date(Number.NaN) }],
    ["a", "1", { sameSite: "None" as "none", secure: false }],
    ["a", "1", { sameSite: "NONE" as "none", secure: false }],
    ["a", "1", { partitioned: "x" as never, secure: false }],
    ["a", "1", { partitioned: "x" as never }], ["a", "1", { secure: "false" as never }],
    ["a", "1", { httpOnly: 0 as never }],
  ];
  for (const [name, value, options] of wrong) {
    t.throws(() => written(name, value, options), TypeError, `${name} ${JSON.stringify(options)}`);
  }
  for (const value of [undefined, null, true, {}, ["b"]]) {
    t.throws(() => written("a", value as never), /The cookie a: its value is a string or a number/);
  }
  t.match(written("a", 5 as never)[0], /^a=5;/);
  t.end();
});
