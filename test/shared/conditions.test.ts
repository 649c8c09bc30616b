/** Conditions of rows: what they are as data and back, and what is refused. */
import t from "tap";
import { conditionsOf, patternOf, readConditions } from "../../src/shared/conditions.ts";

t.test("they go to data and back", async (t) => {
  const all = {
    prefix: "/docs", hosts: ["a.example", "*.b.example:8080"], extensions: ["html"],
    contentTypes: ["text/*"], listener: ["admin"], protocol: "https",
    headers: { "x-a": true, "x-b": false, "x-c": "c", "x-d": /d/i },
  } as const;
  const facts = readConditions(all);
  t.strictSame(structuredClone(facts), facts, "they can be sent to another thread");
  t.strictSame(conditionsOf(facts), all);
  t.strictSame(conditionsOf(readConditions({})), { prefix: "/" }, "none takes every path");
  const regex = readConditions({ regex: /^\/a/u });
  t.strictSame(conditionsOf(regex), { regex: /^\/a/u });
  t.strictSame(conditionsOf(readConditions({ regex: "^/a" })), { regex: /^\/a/ });
});

t.test("one text is a list of it, in lower case where case does not count", async (t) => {
  const facts = readConditions({
    path: "/A", hosts: "A.example", contentTypes: "Text/HTML", extensions: ".HTML", listener: "L",
    headers: { "X-A": "V" },
  });
  t.match(facts, {
    text: "/A", hosts: ["a.example"], contentTypes: ["text/html"], extensions: ["html"],
    listeners: ["L"], headers: [{ name: "x-a", is: "equal", text: "V" }],
  });
});

t.test("hosts are kept as the URLs of requests have them", async (t) => {
  const hosts = (given: string): readonly string[] => readConditions({ hosts: given }).hosts;
  for (const [given, kept] of [
    ["A.Example", "a.example"], ["a_b.example.", "a_b.example."], ["a.example:080", "a.example:80"],
    ["127.1", "127.0.0.1"], ["0x7f.1:80", "127.0.0.1:80"], ["[0:0:0:0:0:0:0:1]", "[::1]"],
    ["[::FFFF:1.2.3.4]:8080", "[::ffff:102:304]:8080"], ["*.X.Example:443", "*.x.example:443"],
    ["*.x.x", "*.x.x"],
  ] as const) {
    t.strictSame(hosts(given), [kept]);
    t.strictSame(hosts(kept), [kept], "what routes() shows can be given back");
  }
  for (const none of [
    "::1", "[::1", "::1]", "[::1]:", "b.example:", "a:99999", "a:65536", "a:b", ":80", "*", "*.",
    "1.2.3.4.5", "1.2.3.256", "*.[::1]", "*.127.1", "a*.example", "[a.example]", "[1::2::3]",
    "xn--a", "a/b", "a@b",
  ]) {
    t.throws(() => hosts(none), { message: /^hosts: ".*": a host is a name/ }, none);
  }
});

t.test("rows have names by what they match", async (t) => {
  const named = (given: Parameters<typeof readConditions>[0]): string =>
    patternOf(readConditions(given));
  t.strictSame(
    [named({ path: "/a/:b" }), named({ prefix: "/a" }), named({ prefix: "/a/" }), named({}),
      named({ regex: /^x$/i })],
    ["/a/:b", "/a/*", "/a/*", "/*", "/^x$/i"],
  );
});

t.test("what is no condition says so", async (t) => {
  for (const [given, message] of [
    [{ path: "/a", regex: /a/ }, /either path or regex/],
    [{ path: "a" }, /path must be a string that begins with a slash/],
    [{ prefix: 5 }, /prefix must be a string/],
    [{ prefix: null }, /prefix must be a string that begins with a slash/],
    [{ path: null }, /path must be a string that begins with a slash/],
    [{ path: null, prefix: "/a" }, /either path or prefix/],
    [{ regex: null }, /regex must be an expression/],
    [{ hosts: null }, /hosts must be a string/],
    [{ headers: null }, /headers must be an object/],
    [{ protocol: null }, /protocol must be/],
    [{ prefix: "/a/*" }, /prefix has no wildcard/],
    [{ regex: "(" }, /regex: Invalid regular expression/],
    [{ regex: 5 }, /regex must be an expression/],
    [{ regex: "" }, /regex must be an expression/],
    [{ regex: /a/g }, /flag g or y/],
    [{ regex: /a/y }, /flag g or y/],
    [{ hosts: [] }, /hosts must be a string that is not empty, or a list/],
    [{ hosts: "http://a" }, /hosts: "http:\/\/a": a host is a name/],
    [{ hosts: ["a", 5] }, /hosts must be/],
    [{ contentTypes: "json" }, /form type\/subtype/],
    [{ extensions: "tar.gz" }, /behind the last dot/],
    [{ listener: "" }, /listener must be/],
    [{ protocol: "ftp" }, /protocol must be/],
    [{ headers: "x" }, /headers must be an object/],
    [{ headers: { "a b": true } }, /"a b" is no name of a field/],
    [{ headers: { a: 5 } }, /"a" must be true, false/],
    [{ headers: { a: /x/g } }, /"a" has the flag g or y/],
  ] as const) {
    t.throws(() => readConditions(given), { message });
  }
});
