/**
 * Headers side by side with the runtime's: names and values of every kind through every way in,
 * the order, what iteration sees of changes, and the guards.
 */
import t from "tap";
import { type Classes, outcome, sameAsStandard } from "../support/compare.ts";

const NAMES: Readonly<Record<string, unknown>> = {
  lower: "x-a",
  upper: "X-A",
  "one letter": "a",
  "all token signs": "!#$%&'*+-.^_`|~09azAZ",
  empty: "",
  blank: " ",
  "blank before": " a",
  "blank after": "a ",
  tab: "a\tb",
  colon: "a:",
  parenthesis: "a(b",
  quote: 'a"b',
  slash: "a/b",
  brackets: "a[b]",
  braces: "a{b}",
  at: "a@b",
  comma: "a,b",
  semicolon: "a;b",
  equals: "a=b",
  question: "a?b",
  backslash: "a\\b",
  less: "a<b",
  NUL: "a\0b",
  CR: "a\rb",
  LF: "a\n",
  CRLF: "a\r\nb: c",
  DEL: "a\x7f",
  latin1: "\u00e4",
  "beyond latin1": "\u20ac",
  "Kelvin sign": "\u212a",
  "lone surrogate": "\ud800",
  number: 1,
  null: null,
  undefined: undefined,
  true: true,
  symbol: Symbol("a"),
  object: {},
  "object with toString": { toString: () => "x-b" },
  "object whose toString throws": { toString: () => { throw new RangeError("no"); } },
  array: ["x-c"],
  constructor: "constructor",
  toString: "toString",
};

const VALUES: Readonly<Record<string, unknown>> = {
  text: "b",
  empty: "",
  blanks: "   ",
  "white space of each kind around": " \t\r\n b \n\r\t ",
  "white space within": "a \t b",
  "vertical tab around": "\v b \f",
  "no-break space around": "\u00a0b\u00a0",
  "CR within": "a\rb",
  "LF within": "a\nb",
  "CRLF within": "a\r\nX-Evil: 1",
  "folded line": "a\r\n b",
  "NUL within": "a\0b",
  "NUL at the end": "a\0",
  "CR at the end": "a\r",
  "control within": "a\x01b",
  DEL: "a\x7f",
  latin1: "\u00e4\u00ff",
  U0100: "\u0100",
  "beyond latin1": "\u20ac",
  astral: "\u{1f600}",
  "lone surrogate": "\ud800",
  comma: "a, b,,c",
  number: 1.5,
  "negative zero": -0,
  null: null,
  undefined: undefined,
  false: false,
  bigint: 12n,
  symbol: Symbol("a"),
  object: {},
  array: ["a", "b"],
  "object with toString": { toString: () => " c " },
  "object whose toString throws": { toString: () => { throw new RangeError("no"); } },
};

const all = (headers: Headers): unknown => [...headers];

t.test("a name of every kind, each way in", async (t) => {
  for (const [kind, name] of Object.entries(NAMES)) {
    await sameAsStandard(t, {
      [`${kind}: a pair`]: ({ Headers }) => all(new Headers([[name, "1"]])),
      [`${kind}: append`]: ({ Headers }) => {
        const headers = new Headers();
        return [headers.append(name, "1"), all(headers)];
      },
      [`${kind}: set`]: ({ Headers }) => {
        const headers = new Headers({ "x-a": "0" });
        return [headers.set(name, "1"), all(headers)];
      },
      [`${kind}: get`]: ({ Headers }) => new Headers({ "x-a": "0", "x-b": "1" }).get(name),
      [`${kind}: has`]: ({ Headers }) => new Headers({ "x-a": "0", "x-b": "1" }).has(name),
      [`${kind}: delete`]: ({ Headers }) => {
        const headers = new Headers({ "x-a": "0", "x-b": "1" });
        return [headers.delete(name), all(headers)];
      },
    });
    if (typeof name !== "string") continue;
    await sameAsStandard(t, {
      [`${kind}: a record`]: ({ Headers }) => all(new Headers({ [name]: "1" })),
    });
  }
});

t.test("a value of every kind, each way in", async (t) => {
  for (const [kind, value] of Object.entries(VALUES)) {
    await sameAsStandard(t, {
      [`${kind}: a pair`]: ({ Headers }) => all(new Headers([["a", value]])),
      [`${kind}: a record`]: ({ Headers }) => all(new Headers({ a: value })),
      [`${kind}: append`]: ({ Headers }) => {
        const headers = new Headers({ a: "0" });
        headers.append("A", value);
        return all(headers);
      },
      [`${kind}: set`]: ({ Headers }) => {
        const headers = new Headers({ a: "0" });
        headers.set("A", value);
        return all(headers);
      },
      [`${kind}: a cookie`]: ({ Headers }) => {
        const headers = new Headers([["set-cookie", value], ["Set-Cookie", value]]);
        return [all(headers), headers.getSetCookie(), headers.get("set-cookie")];
      },
    });
  }
});

const INITS: Readonly<Record<string, () => unknown>> = {
  undefined: () => undefined,
  null: () => null,
  number: () => 1,
  true: () => true,
  text: () => "a",
  symbol: () => Symbol("a"),
  bigint: () => 1n,
  "empty record": () => ({}),
  "record without prototype": () => Object.assign(Object.create(null), { a: "1" }),
  "record with inherited": () => Object.create({ a: "1" }),
  "record with a getter": () => ({ get a() { return "1"; } }),
  "record with a getter that throws": () => ({ get a() { throw new RangeError("no"); } }),
  "record of two cases": () => ({ a: "1", A: "2" }),
  "record with numbers as names": () => ({ 2: "b", 1: "a" }),
  "array as record": () => Object.assign([], { a: "1" }),
  Map: () => new Map([["b", "1"], ["a", "2"]]),
  Set: () => new Set([["b", "1"]]),
  "empty array": () => [],
  "pair of one": () => [["a"]],
  "pair of none": () => [[]],
  "pair of three": () => [["a", "b", "c"]],
  "pair as text": () => ["ab"],
  "pair as String": () => [new String("ab")],
  "pair as Set": () => [new Set(["a", "b"])],
  "pair as object": () => [{ 0: "a", 1: "b", length: 2 }],
  "pair as null": () => [null],
  "pair as undefined": () => [undefined],
  "hole of an array": () => Array.from({ length: 1 }),
  "good and bad pair": () => [["a", "1"], ["b"]],
  generator: () => (function* () { yield ["b", "1"]; yield ["a", "2"]; })(),
  "generator that throws": () => (function* () { yield ["b", "1"]; throw new RangeError("no"); })(),
  "object with an iterator": () => ({ *[Symbol.iterator]() { yield ["c", "1"]; } }),
  "object with a bad iterator": () => ({ [Symbol.iterator]: 1 }),
  "object with null as iterator": () => ({ [Symbol.iterator]: null, a: "1" }),
  URLSearchParams: () => new URLSearchParams("b=1&a=2"),
  FormData: () => {
    const form = new FormData();
    form.append("a", "1");
    return form;
  },
  Date: () => new Date(0),
};

t.test("what the constructor takes", async (t) => {
  for (const [kind, init] of Object.entries(INITS)) {
    await sameAsStandard(t, {
      [kind]: ({ Headers }) => all(new Headers(init())),
      [`${kind}, in a Response`]: ({ Response }) =>
        all(new Response(null, { headers: init() }).headers),
      [`${kind}, in a Request`]: ({ Request }) =>
        all(new Request("http://a.test", { headers: init() }).headers),
    });
  }
  await sameAsStandard(t, {
    "Headers of Headers": ({ Headers }) => {
      const first = new Headers([["set-cookie", "a"], ["set-cookie", "b"], ["x", "1"]]);
      const second = new Headers(first);
      second.append("x", "2");
      return [all(first), all(second)];
    },
    "Headers whose iterator was replaced": ({ Headers }) => {
      const headers = new Headers({ a: "1" });
      headers[Symbol.iterator] = function* () { yield ["b", "2"]; };
      return all(headers);
    },
    "Headers of Headers whose iterator was replaced": ({ Headers }) => {
      const headers = new Headers({ a: "1" });
      headers[Symbol.iterator] = function* () { yield ["b", "2"]; };
      return [...new Headers(headers).keys()];
    },
  });
});

t.test("order and joining", (t) =>
  sameAsStandard(t, {
    "by name": ({ Headers }) => all(new Headers({ c: "1", B: "2", a: "3", "a-b": "4", aa: "5" })),
    "signs before letters": ({ Headers }) =>
      all(new Headers({ a: "1", "~": "2", "!": "3", 1: "4" })),
    "by code unit": ({ Headers }) => all(new Headers({ "a_": "1", "a-": "2", "a.": "3", a1: "4" })),
    joined: ({ Headers }) => all(new Headers([["a", "1"], ["b", "x"], ["A", "2"], ["a", ""]])),
    "empty values joined": ({ Headers }) => all(new Headers([["a", ""], ["a", ""]])),
    "cookies apart": ({ Headers }) =>
      all(new Headers([["set-cookie", "b"], ["a", "1"], ["Set-Cookie", "a"], ["z", "1"]])),
    "Cookie joined": ({ Headers }) => all(new Headers([["cookie", "a=1"], ["Cookie", "b=2"]])),
    "set keeps the place of cookies": ({ Headers }) => {
      const headers = new Headers([["set-cookie", "a"], ["x", "1"], ["set-cookie", "b"]]);
      headers.set("set-cookie", "c");
      headers.append("set-cookie", "d");
      return [all(headers), headers.getSetCookie()];
    },
    "getSetCookie is a fresh list": ({ Headers }) => {
      const headers = new Headers([["set-cookie", "a"]]);
      headers.getSetCookie().push("b");
      return headers.getSetCookie();
    },
    "delete, then append": ({ Headers }) => {
      const headers = new Headers({ a: "1", b: "2" });
      headers.delete("A");
      headers.append("a", "3");
      return all(headers);
    },
  }),
);

/** Three fields, one step of an iteration, a change, and the rest. */
function stepChangeRest(change: (headers: Headers) => void, steps: number) {
  return ({ Headers }: Classes): unknown => {
    const headers = new Headers({ b: "1", c: "2", d: "3" });
    const iterator = headers.entries();
    const seen = Array.from({ length: steps }, () => iterator.next());
    change(headers);
    return [seen, [...iterator], iterator.next()];
  };
}

const CHANGES: Readonly<Record<string, (headers: Headers) => void>> = {
  nothing: () => undefined,
  "append before": (headers) => headers.append("a", "x"),
  "append behind": (headers) => headers.append("e", "x"),
  "append to one": (headers) => headers.append("c", "x"),
  "delete the seen": (headers) => headers.delete("b"),
  "delete the next": (headers) => headers.delete("c"),
  "delete the last": (headers) => headers.delete("d"),
  "delete all": (headers) => ["b", "c", "d"].forEach((name) => headers.delete(name)),
  "set the next": (headers) => headers.set("c", "x"),
  "cookies behind": (headers) => ["1", "2"].forEach((v) => headers.append("set-cookie", v)),
};

t.test("changes while somebody iterates", async (t) => {
  for (const [kind, change] of Object.entries(CHANGES)) {
    for (const steps of [0, 1, 2, 3, 4]) {
      await sameAsStandard(t, { [`${kind} after ${steps}`]: stepChangeRest(change, steps) });
    }
    await sameAsStandard(t, {
      [`${kind} in forEach`]: ({ Headers }) => {
        const headers = new Headers({ b: "1", c: "2", d: "3" });
        const seen: unknown[] = [];
        headers.forEach((value: string, name: string) => {
          seen.push([name, value]);
          if (seen.length === 1) change(headers);
        });
        return seen;
      },
    });
  }
});

t.test("iterators", async (t) => {
  for (const method of ["entries", "keys", "values"]) {
    await sameAsStandard(t, {
      [`${method}: shape`]: ({ Headers }) => {
        const iterator = new Headers({ a: "1" })[method]();
        const prototype = Object.getPrototypeOf(iterator);
        const next = Object.getOwnPropertyDescriptor(prototype, "next")!;
        return [
          Object.prototype.toString.call(iterator),
          Object.keys(iterator),
          iterator[Symbol.iterator]() === iterator,
          [next.enumerable, next.writable, next.configurable, next.value.length, next.value.name],
          Object.getOwnPropertyDescriptor(prototype, Symbol.toStringTag),
          Object.hasOwn(prototype, "constructor"),
          Object.getPrototypeOf(prototype) === Object.getPrototypeOf(
            Object.getPrototypeOf([][Symbol.iterator]()),
          ),
        ];
      },
      [`${method}: all results`]: ({ Headers }) => {
        const iterator = new Headers({ a: "1" })[method]();
        return [iterator.next(), iterator.next(), iterator.next("x")];
      },
      [`${method}: next of another receiver`]: ({ Headers }) =>
        new Headers()[method]().next.call({}),
      [`${method}: next of an iterator of an array`]: ({ Headers }) =>
        new Headers({ a: "1" })[method]().next.call([1][Symbol.iterator]()),
      [`${method}: of another receiver`]: ({ Headers }) => Headers.prototype[method].call({}),
      [`${method}: broken off`]: ({ Headers }) => {
        const seen: unknown[] = [];
        const iterator = new Headers({ a: "1", b: "2" })[method]();
        for (const each of iterator) {
          seen.push(each);
          break;
        }
        return [seen, [...iterator]];
      },
    });
  }
  await sameAsStandard(t, {
    "one next for all kinds": ({ Headers }) => {
      const headers = new Headers({ a: "1" });
      return headers.keys().next === headers.values().next;
    },
    "pairs are fresh": ({ Headers }) => {
      const headers = new Headers({ a: "1" });
      for (const pair of headers) pair[1] = "2";
      return all(headers);
    },
  });
});

t.test("forEach", async (t) => {
  const callbacks = { undefined, null: null, number: 1, text: "a", object: {} };
  for (const [kind, callback] of Object.entries(callbacks)) {
    await sameAsStandard(t, { [kind]: ({ Headers }) => new Headers().forEach(callback) });
  }
  await sameAsStandard(t, {
    "no callback": ({ Headers }) => new Headers().forEach(),
    "this of another receiver": ({ Headers }) => Headers.prototype.forEach.call({}, () => {}),
    "an error goes through": ({ Headers }) =>
      new Headers({ a: "1" }).forEach(() => { throw new RangeError("no"); }),
    "its result": ({ Headers }) => new Headers({ a: "1" }).forEach(() => 1),
  });
});

const FORBIDDEN = ["host", "content-length", "cookie", "set-cookie", "date", "connection", "via"];

t.test("guards", async (t) => {
  for (const name of FORBIDDEN) {
    await sameAsStandard(t, {
      [`${name} in a Request`]: ({ Request }) =>
        all(new Request("http://a.test", { headers: { [name]: "1" } }).headers),
      [`${name} in a Response`]: ({ Response }) =>
        all(new Response("", { headers: { [name]: "1" } }).headers),
    });
  }
  const changes: Record<string, (headers: Headers) => unknown> = {
    append: (headers) => headers.append("a", "1"),
    set: (headers) => headers.set("a", "1"),
    delete: (headers) => headers.delete("a"),
    "delete what is there": (headers) => headers.delete("location"),
    "append of a bad name": (headers) => headers.append("a b", "1"),
    "append of a bad value": (headers) => headers.append("a", "\0"),
    get: (headers) => headers.get("location"),
    has: (headers) => headers.has("location"),
    all: (headers) => [...headers],
  };
  for (const [kind, change] of Object.entries(changes)) {
    await sameAsStandard(t, {
      [`${kind} of error()`]: ({ Response }) => change(Response.error().headers),
      [`${kind} of error(), cloned`]: ({ Response }) => change(Response.error().clone().headers),
      [`${kind} of redirect()`]: ({ Response }) => change(Response.redirect("http://a/").headers),
      [`${kind} of redirect(), cloned`]: ({ Response }) =>
        change(Response.redirect("http://a/").clone().headers),
      [`${kind} of a copy`]: ({ Response, Headers }) =>
        change(new Headers(Response.redirect("http://a/").headers)),
      [`${kind} of json()`]: ({ Response }) => change(Response.json(1).headers),
    });
  }
});

t.test("too few arguments and other receivers", async (t) => {
  for (const method of ["append", "set", "get", "has", "delete", "getSetCookie", "forEach"]) {
    for (const args of [[], ["a"], ["a", "1"]]) {
      await sameAsStandard(t, {
        [`${method} with ${args.length}`]: async ({ Headers }) => {
          const headers = new Headers({ a: "0" });
          return [await outcome(() => headers[method](...args)), all(headers)];
        },
        [`${method} with ${args.length} of an object`]: ({ Headers }) =>
          Headers.prototype[method].call({}, ...args),
        [`${method} with ${args.length} of the prototype`]: ({ Headers }) =>
          Headers.prototype[method](...args),
      });
    }
  }
});
