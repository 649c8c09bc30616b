/** Headers, compared case by case with the runtime's. */
import { inspect } from "node:util";
import t from "tap";
import { FIELD } from "../../src/worker/header-syntax.ts";
import {
  freezeHeaders,
  headerFlags,
  headerLines,
  headersFromRaw,
  isReceived,
  LightHeaders,
} from "../../src/worker/headers.ts";
import { StandardHeaders } from "../../src/worker/standard.ts";
import { sameAsStandard } from "../support/compare.ts";

const ODD: Record<string, unknown> = {
  undefined: undefined,
  null: null,
  number: 1,
  string: "a: b",
  symbol: Symbol("s"),
  empty: {},
  record: { b: "2", A: "1" },
  "record with number": { a: 1 },
  "record with null": { a: null },
  "record with array": { a: ["x", "y"] },
  "record with inherited": Object.create({ a: "1" }),
  map: new Map([["a", "1"]]),
  pairs: [["a", "1"], ["A", "2"]],
  "pair of one": [["a"]],
  "pair of three": [["a", "b", "c"]],
  "pair with undefined": [["a", undefined]],
  "pair that is a string": ["ab"],
  "pair that is a set": [new Set(["a", "b"])],
  "array of null": [null],
  "bad name": { "a b": "c" },
  "empty name": { "": "c" },
  "name with colon": { "a:": "c" },
  "name beyond ascii": { "é": "c" },
  "name beyond latin1": { "€": "c" },
  "value with CR LF": { a: "b\r\nc: d" },
  "value with NUL": { a: "b\0" },
  "value with LF at the end": { a: "b\n" },
  "value in spaces": { a: " \t b c \t " },
  "value with tab": { a: "b\tc" },
  "value with control": { a: "b\x01" },
  "value with DEL": { a: "b\x7f" },
  "value latin1": { a: "é" },
  "value beyond latin1": { a: "€" },
  "value symbol": { a: Symbol("s") },
  "empty value": { a: "" },
  cookies: [["set-cookie", "a=1"], ["Set-Cookie", "b=2"], ["cookie", "a"], ["Cookie", "b"]],
  "name of the prototype": { constructor: "x", toString: "y", __proto__: null },
};

t.test("what the constructor takes", async (t) => {
  for (const [name, init] of Object.entries(ODD)) {
    await sameAsStandard(t, { [name]: ({ Headers }) => [...new Headers(init)] });
  }
  await sameAsStandard(t, {
    nothing: ({ Headers }) => [...new Headers()],
    "other headers": ({ Headers }) => [...new Headers(new Headers({ a: "1", "set-cookie": "x" }))],
    "without new": ({ Headers }) => Headers(),
    "a generator": ({ Headers }) => [
      ...new Headers((function* () { yield ["b", "1"]; yield ["a", "2"]; })()),
    ],
  });
});

t.test("methods", (t) =>
  sameAsStandard(t, {
    append: ({ Headers }) => {
      const h = new Headers({ a: "1" });
      h.append("A", "2");
      h.append("b", " 3 ");
      return [[...h], h.get("a"), h.get("nope"), h.has("A"), h.has("nope")];
    },
    set: ({ Headers }) => {
      const h = new Headers([["a", "1"], ["set-cookie", "x"], ["set-cookie", "y"], ["b", "1"]]);
      h.set("A", "2");
      h.set("Set-Cookie", "z");
      h.set("c", "3");
      return [[...h], h.getSetCookie()];
    },
    delete: ({ Headers }) => {
      const h = new Headers([["a", "1"], ["set-cookie", "x"], ["set-cookie", "y"]]);
      h.delete("Set-Cookie");
      h.delete("nope");
      return [[...h], h.getSetCookie(), h.get("set-cookie"), h.has("set-cookie")];
    },
    "get set-cookie": ({ Headers }) =>
      new Headers([["set-cookie", "x"], ["set-cookie", "y"]]).get("Set-Cookie"),
    "getSetCookie without one": ({ Headers }) => new Headers().getSetCookie(),
    "keys and values": ({ Headers }) => {
      const h = new Headers([["b", "1"], ["set-cookie", "x"], ["a", "2"], ["set-cookie", "y"]]);
      return [[...h.keys()], [...h.values()], [...h.entries()]];
    },
    forEach: ({ Headers }) => {
      const seen: unknown[] = [];
      const h = new Headers({ b: "1", a: "2" });
      const callback = function (this: unknown, value: string, key: string, parent: unknown): void {
        seen.push([this, value, key, parent === h]);
      };
      h.forEach(callback, "self");
      return seen;
    },
    "forEach of nothing": ({ Headers }) => new Headers().forEach(),
    "forEach of no function": ({ Headers }) => new Headers().forEach({}),
    "changes while iterating": ({ Headers }) => {
      const h = new Headers({ b: "1", c: "2", d: "3" });
      const seen: unknown[] = [];
      for (const [name] of h) {
        seen.push(name);
        if (name === "b") h.delete("c");
        if (name === "d") h.append("e", "4");
      }
      return seen;
    },
    iterator: ({ Headers }) => {
      const iterator = new Headers({ a: "1" }).entries();
      return [
        Object.prototype.toString.call(iterator),
        iterator[Symbol.iterator]() === iterator,
        iterator.next(),
        iterator.next(),
        iterator.next(),
      ];
    },
    "get without argument": ({ Headers }) => new Headers().get(),
    "has without argument": ({ Headers }) => new Headers().has(),
    "delete without argument": ({ Headers }) => new Headers().delete(),
    "append with one": ({ Headers }) => new Headers().append("a"),
    "set with one": ({ Headers }) => new Headers().set("a"),
    "get of a bad name": ({ Headers }) => new Headers().get("a b"),
    "has of a bad name": ({ Headers }) => new Headers().has(""),
    "delete of a bad name": ({ Headers }) => new Headers().delete("é"),
    "append of a bad value": ({ Headers }) => new Headers().append("a", "\n\0"),
    "set of a bad value": ({ Headers }) => new Headers().set("a", "x\ny"),
    "get of undefined": ({ Headers }) => new Headers({ undefined: "1" }).get(undefined),
    "get on another receiver": ({ Headers }) => Headers.prototype.get.call({}, "a"),
  }),
);

t.test("shape", (t) =>
  sameAsStandard(t, {
    names: ({ Headers }) => [Headers.name, Headers.length, String(new Headers())],
    "own keys": ({ Headers }) => Object.keys(new Headers({ a: "1" })),
    spread: ({ Headers }) => ({ ...new Headers({ a: "1" }) }),
    json: ({ Headers }) => JSON.stringify(new Headers({ a: "1" })),
    enumerable: ({ Headers }) => {
      const names: string[] = [];
      for (const name in new Headers()) names.push(name);
      return names.sort();
    },
    "entries is the iterator": ({ Headers }) =>
      Headers.prototype.entries === Headers.prototype[Symbol.iterator],
    subclass: ({ Headers }) => {
      class Mine extends Headers {}
      const mine = Reflect.construct(Mine, [{ a: "1" }]);
      const plain = new Headers();
      return [mine instanceof Mine, mine instanceof Headers, plain instanceof Mine, mine.get("a")];
    },
  }),
);

t.test("both kinds are instances, and each takes the other", async (t) => {
  const ours = new LightHeaders([["set-cookie", "a"], ["set-cookie", "b"], ["x", "1"]]);
  const theirs = new StandardHeaders(ours);
  t.ok(ours instanceof StandardHeaders);
  t.ok(theirs instanceof LightHeaders);
  t.notOk({} instanceof LightHeaders);
  t.strictSame([...theirs], [...ours]);
  t.strictSame([...new LightHeaders(theirs)], [...ours]);
  t.match(inspect(ours), /^Headers \{.*'?x'?: '1'/s);
});

t.test("fields of a request: as received, joined, mutable", async (t) => {
  const raw = ["Host", "a", "X-A", "1", "Cookie", "c=1", "x-a", "2", "COOKIE", "d=2"];
  const headers = headersFromRaw(raw);
  t.equal(headers.get("x-A"), "1, 2");
  t.equal(headers.get("cookie"), "c=1; d=2");
  t.equal(headers.get("nope"), null);
  t.ok(headers.has("HOST"));
  t.notOk(headers.has("nope"));
  t.throws(() => headers.get("a b"), TypeError);
  headers.set("x-a", "3");
  headers.append("x-b", "4");
  headers.delete("host");
  t.strictSame([...headers], [["cookie", "c=1; d=2"], ["x-a", "3"], ["x-b", "4"]]);
  t.ok(isReceived(headers));
  t.ok(isReceived(new LightHeaders(headers)));
  t.notOk(isReceived(new LightHeaders({ a: "1" })));
  t.notOk(isReceived({}));
  const three = headersFromRaw(["B", "1", "set-cookie", "x", "A", "2"]);
  t.strictSame([...three.keys()], ["a", "b", "set-cookie"]);
  t.strictSame(headersFromRaw(["Set-Cookie", "x"]).getSetCookie(), ["x"]);
  t.equal(headerFlags(headersFromRaw(["Connection", "close"])), FIELD.connection);
  t.equal(headerLines(headersFromRaw(["A", "1"])), "A: 1\r\n");
});

t.test("repeated fields of a client: joined by the field's own rule", async (t) => {
  const raw = [
    "Accept", "a", "COOKIE", "x=1", "accept", "b", "Cookie", "y=2", "Content-Type", "text/plain",
    "content-type", "text/html", "Authorization", "Basic a", "authorization", "Basic b",
    "Range", "bytes=0-1", "Range", "bytes=2-3", "X-Own", "", "x-own", "\u00e9", "Via", "1.1 a",
  ];
  const expected = {
    accept: "a, b", cookie: "x=1; y=2", "content-type": "text/plain", authorization: "Basic a",
    range: "bytes=0-1", "x-own": ", \u00e9", via: "1.1 a",
  };
  const lazy = headersFromRaw([...raw]);
  for (const [name, value] of Object.entries(expected)) t.equal(lazy.get(name), value, name);
  t.strictSame(Object.fromEntries(headersFromRaw([...raw])), expected, "as a list");
  lazy.append("content-type", "text/css");
  t.equal(lazy.get("content-type"), "text/plain, text/css", "what an app appends is the app's");
});

t.test("lines for the wire", async (t) => {
  const headers = new LightHeaders({ "X-One": "1", "content-length": "5", Date: "now" });
  t.equal(headerLines(headers), "X-One: 1\r\nDate: now\r\n", "framing is the encoder's");
  t.equal(headerFlags(headers), FIELD.contentLength | FIELD.date);
  headers.append("set-cookie", "a=1");
  headers.append("set-cookie", "b=2");
  headers.append("x-one", "é");
  t.equal(
    headerLines(headers),
    "X-One: 1, é\r\nDate: now\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n",
  );
  headers.delete("date");
  headers.delete("set-cookie");
  t.equal(headerLines(headers), "X-One: 1, é\r\n");
  t.equal(headerFlags(headers), FIELD.contentLength);
  t.equal(headerLines(new LightHeaders(headers)), "X-One: 1, é\r\n");
  t.equal(headerLines(new LightHeaders()), "");
});

t.test("frozen headers refuse every change", async (t) => {
  const headers = freezeHeaders(new LightHeaders({ a: "1" }));
  t.throws(() => headers.set("a", "2"), TypeError);
  t.throws(() => headers.append("a", "2"), TypeError);
  t.throws(() => headers.delete("a"), TypeError);
  t.equal(headers.get("a"), "1");
  const copy = new LightHeaders(headers);
  copy.set("a", "2");
  t.equal(copy.get("a"), "2");
});
