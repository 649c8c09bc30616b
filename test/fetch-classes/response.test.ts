/** What `new Response` and its static methods take, side by side with the runtime's. */
import t from "tap";
import { nameOf as name, outcome, sameAsStandard, seen } from "../support/compare.ts";

const throwing = { get status() { throw new RangeError("no"); } };

const STATUS: readonly unknown[] = [
  undefined, null, -1, 0, 1, 99, 100, 101, 103, 199, 200, 201, 204, 205, 299, 304, 399, 418, 599,
  600, 999, 1000, 65_535, 65_536, 65_736, 131_272, 200.4, 200.9, 199.9, 599.9, NaN,
  Infinity, -Infinity, "", "200", " 204 ", "0xc8", "2e2", "x", true, [200], [200, 201], {}, 200n,
  Symbol("s"), { valueOf: () => 201 }, { valueOf: () => { throw new RangeError("no"); } },
];

const STATUS_TEXT: readonly unknown[] = [
  undefined, null, "", "OK", "a b", " a ", "a\tb", "\u00e4", "\u00ff", "\u0100", "\u20ac",
  "a\rb", "a\nb", "a\r\nX: y", "\0", "\x01", "\x7f", "\v", 1, true, {}, [], Symbol("s"),
  { toString: () => "Yes" }, { toString: () => { throw new RangeError("no"); } },
];

const INITS: readonly unknown[] = [
  undefined, {}, 0, 1, "", "a", true, Symbol("s"), 1n, [], () => {}, new Date(0),
  Object.create({ status: 201 }), { status: 201, extra: 1 }, new Map([["status", 201]]), throwing,
];


t.test("the status", async (t) => {
  for (const [index, status] of STATUS.entries()) {
    const id = `${index}: ${name(status)}`;
    await sameAsStandard(t, {
      [id]: ({ Response }) => seen(new Response(null, { status })),
      [`${id}, with a body`]: ({ Response }) => seen(new Response("a", { status })),
      [`${id}, with an empty body`]: ({ Response }) => seen(new Response("", { status })),
      [`${id}, json`]: ({ Response }) => seen(Response.json(1, { status })),
      [`${id}, redirect`]: ({ Response }) => seen(Response.redirect("http://a.test/", status)),
    });
  }
});

t.test("the reason phrase", async (t) => {
  for (const [index, statusText] of STATUS_TEXT.entries()) {
    await sameAsStandard(t, {
      [`${index}: ${name(statusText)}`]: ({ Response }) => seen(new Response("a", { statusText })),
    });
  }
});

t.test("the second argument", async (t) => {
  for (const [index, init] of INITS.entries()) {
    await sameAsStandard(t, {
      [`${index}: ${name(init)}`]: ({ Response }) => seen(new Response("a", init)),
      [`${index}: ${name(init)}, json`]: ({ Response }) => seen(Response.json(1, init)),
    });
  }
  await sameAsStandard(t, {
    null: ({ Response }) => seen(new Response("a", null)),
    "too many": ({ Response }) => seen(new Response("a", {}, { status: 201 })),
    "the status is judged before the reason": ({ Response }) =>
      new Response("a", { status: 1, statusText: "\n" }),
    "the reason is judged before the headers": ({ Response }) =>
      new Response("a", { statusText: "\n", headers: 1 }),
    "the status is judged before the body": ({ Response }) =>
      new Response(Symbol("s"), { status: 1 }),
    "another Response": async ({ Response }) => {
      const first = new Response("a", { status: 201, statusText: "b", headers: { c: "d" } });
      const second = new Response("e", first);
      return [seen(first), seen(second), await second.text()];
    },
    "the body of another, and itself": async ({ Response }) => {
      const first = new Response("a", { headers: { c: "d" } });
      const second = new Response(first.body, first);
      const wasUsed = first.bodyUsed;
      return [wasUsed, await second.text(), first.bodyUsed, [...second.headers]];
    },
    "a Request": ({ Response, Request }) =>
      seen(new Response("a", new Request("http://a.test", { headers: { b: "c" } }))),
  });
});

const DATA: Readonly<Record<string, () => unknown>> = {
  undefined: () => undefined,
  null: () => null,
  number: () => 1,
  NaN: () => NaN,
  text: () => "h\u00e4\ud800",
  true: () => true,
  symbol: () => Symbol("s"),
  bigint: () => 1n,
  function: () => () => {},
  object: () => ({ a: undefined, b: () => {}, c: [undefined] }),
  Date: () => new Date(0),
  Map: () => new Map([["a", 1]]),
  toJSON: () => ({ toJSON: () => ({ a: 1 }) }),
  "toJSON of nothing": () => ({ toJSON: () => undefined }),
  "toJSON that throws": () => ({ toJSON: () => { throw new RangeError("no"); } }),
  circle: () => {
    const circle: unknown[] = [];
    circle.push(circle);
    return circle;
  },
};

t.test("json", async (t) => {
  for (const [kind, data] of Object.entries(DATA)) {
    await sameAsStandard(t, {
      [kind]: ({ Response }) => seen(Response.json(data())),
      [`${kind}, text`]: ({ Response }) => Response.json(data()).text(),
      [`${kind}, own type`]: ({ Response }) =>
        seen(Response.json(data(), { headers: { "Content-Type": "a/b" } })),
    });
  }
  await sameAsStandard(t, {
    nothing: ({ Response }) => Response.json(),
    "without a receiver": ({ Response }) => {
      const { json } = Response;
      return seen(json(1));
    },
    "an empty type of its own": ({ Response }) =>
      seen(Response.json(1, { headers: { "content-type": "" } })),
    "is a Response": ({ Response }) => Response.json(1) instanceof Response,
  });
});

const LOCATIONS: readonly unknown[] = [
  "http://a.test", "http://a.test/\u00e4 b?\u00e4#\u00e4", "HTTP://A.TEST:80/../x", "/relative",
  "", "//a.test", "a b", "http://", "http://a.test\r\nX: y", "http://u:p@a.test/", "data:,x",
  "mailto:a@b", "javascript:1", "blob:x", " http://a.test ", undefined, null, 1,
  Symbol("s"), {}, new URL("http://a.test/x"), { toString: () => "http://b.test" },
];

t.test("redirect and error", async (t) => {
  for (const [index, location] of LOCATIONS.entries()) {
    await sameAsStandard(t, {
      [`${index}: ${name(location)}`]: ({ Response }) => seen(Response.redirect(location)),
      [`${index}: ${name(location)}, bad status`]: ({ Response }) =>
        Response.redirect(location, 200),
    });
  }
  await sameAsStandard(t, {
    nothing: ({ Response }) => Response.redirect(),
    "without a receiver": ({ Response }) => {
      const { redirect, error } = Response;
      return [seen(redirect("http://a.test", 307)), seen(error())];
    },
    "body of a redirect": async ({ Response }) => {
      const response = Response.redirect("http://a.test");
      return [response.body, await response.text(), response.bodyUsed];
    },
    error: ({ Response }) => seen(Response.error()),
    "error with arguments": ({ Response }) => seen(Response.error(1, 2)),
    "readers of an error": async ({ Response }) => {
      const response = Response.error();
      return [await response.text(), (await response.arrayBuffer()).byteLength, response.body];
    },
    "a Response of an error as init": ({ Response }) => new Response("", Response.error()),
  });
});

t.test("clone", async (t) => {
  const makers: Record<string, (Response: any) => Response> = { // any: as in Classes
    plain: (Response) => new Response("a", { status: 201, statusText: "b", headers: { c: "d" } }),
    empty: (Response) => new Response(),
    json: (Response) => Response.json([1], { status: 404 }),
    redirect: (Response) => Response.redirect("http://a.test", 308),
    error: (Response) => Response.error(),
    stream: (Response) => new Response(ReadableStream.from([Buffer.from("a")])),
  };
  for (const [kind, make] of Object.entries(makers)) {
    await sameAsStandard(t, {
      [kind]: async ({ Response }) => {
        const response = make(Response);
        const clone = response.clone();
        return [seen(response), seen(clone), await clone.text(), await response.text()];
      },
      [`${kind}, is a Response`]: ({ Response }) => make(Response).clone() instanceof Response,
      [`${kind}, of a subclass`]: ({ Response }) => {
        class Mine extends Response {}
        const mine = Reflect.construct(Mine, ["a"]) as Response;
        return mine.clone() instanceof Mine;
      },
      [`${kind}, one is cancelled`]: async ({ Response }) => {
        const response = make(Response);
        const clone = response.clone();
        void clone.body?.cancel();
        return [await response.text(), clone.bodyUsed, await outcome(() => clone.text())];
      },
    });
  }
});
