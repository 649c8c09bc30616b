/** What `new Request` takes and what its members say, side by side with the runtime's. */
import t from "tap";
import { nameOf as name, outcome, sameAsStandard } from "../support/compare.ts";

const U = "http://a.test/x?y#z";

function seen(request: Request): unknown {
  const { method, url, mode, credentials, cache, redirect, referrer, referrerPolicy } = request;
  const { integrity, keepalive, duplex, destination, bodyUsed } = request;
  return {
    line: [method, url, destination, bodyUsed, request.body === null],
    modes: [mode, credentials, cache, redirect, duplex, keepalive],
    referrer: [referrer, referrerPolicy, integrity],
    headers: [...request.headers],
    aborted: request.signal.aborted,
  };
}

const INPUTS: readonly unknown[] = [
  "http://a.test", "HTTP://A.test:80/./b/../c?d e#f", "https://\u00e4.test/", "/relative", "", " ",
  "//a.test", "http://", "http://a b/", "http://u@a.test/", "http://u:p@a.test/", "data:,x",
  "about:blank", "blob:x", "ftp://a.test/", "a:b", undefined, null, 1, true, {}, [], Symbol("s"),
  new URL(U), { toString: () => "http://b.test/" }, { href: "http://b.test/" },
  { toString: () => { throw new RangeError("no"); } },
];

const METHODS: readonly unknown[] = [
  "GET", "get", "gEt", "HEAD", "head", "POST", "post", "PUT", "put", "DELETE", "delete", "OPTIONS",
  "options", "PATCH", "patch", "Patch", "QUERY", "foo", "FOO", "CONNECT", "connect", "TRACE",
  "trace", "TRACK", "", " ", "a b", "a\r\nb", "GET ", "\u00e4", "a,b", undefined, null, 1,
  Symbol("s"), {},
];

const MEMBERS: Readonly<Record<string, readonly unknown[]>> = {
  mode: ["cors", "no-cors", "same-origin", "navigate", "websocket", "CORS", "", null, undefined, 1],
  credentials: ["omit", "same-origin", "include", "OMIT", "", null, undefined, true],
  cache: [
    "default", "no-store", "reload", "no-cache", "force-cache", "only-if-cached", "x", null,
    undefined,
  ],
  redirect: ["follow", "error", "manual", "Follow", "", null, undefined],
  referrer: [
    "", "about:client", "http://b.test/", "/x", "http://", "no-referrer", null, undefined, 1,
    Symbol("s"),
  ],
  referrerPolicy: [
    "", "no-referrer", "origin", "unsafe-url", "strict-origin-when-cross-origin", "x", null,
    undefined,
  ],
  integrity: ["", "sha256-abc", null, undefined, 1, Symbol("s"), {}],
  keepalive: [true, false, 0, 1, "", "x", null, undefined],
  duplex: ["half", "full", "", null, undefined],
  window: [null, undefined, 1, "x"],
  priority: ["high", "low", "auto", "x", undefined],
  signal: [undefined, null, 1, {}, "x", new EventTarget()],
  headers: [undefined, null, {}, [], 1, "x", [["a", "1"]], { a: "1" }, { "a b": "1" }],
  unknown: [1],
};

const INITS: readonly unknown[] = [
  undefined, null, {}, 0, "", "a", true, Symbol("s"), 1n, [], () => {}, new Date(0),
  Object.create({ method: "PUT" }), new Map([["method", "PUT"]]),
];

t.test("the first argument", async (t) => {
  for (const [index, input] of INPUTS.entries()) {
    await sameAsStandard(t, {
      [`${index}: ${name(input)}`]: ({ Request }) => seen(new Request(input)),
    });
  }
  await sameAsStandard(t, { nothing: ({ Request }) => new Request() });
});

t.test("the method", async (t) => {
  for (const [index, method] of METHODS.entries()) {
    await sameAsStandard(t, {
      [`${index}: ${name(method)}`]: ({ Request }) => seen(new Request(U, { method })),
      [`${index}: ${name(method)}, with a body`]: ({ Request }) =>
        seen(new Request(U, { method, body: "a" })),
      [`${index}: ${name(method)}, over another Request`]: ({ Request }) =>
        seen(new Request(new Request(U, { method: "POST", body: "a" }), { method })),
    });
  }
});

t.test("each member of the second argument", async (t) => {
  for (const [member, values] of Object.entries(MEMBERS)) {
    for (const [index, value] of values.entries()) {
      await sameAsStandard(t, {
        [`${member} ${index}: ${name(value)}`]: ({ Request }) =>
          seen(new Request(U, { [member]: value })),
        [`${member} ${index}: ${name(value)}, over another Request`]: ({ Request }) =>
          seen(new Request(new Request(U, { redirect: "error" }), { [member]: value })),
      });
    }
  }
  for (const [index, init] of INITS.entries()) {
    await sameAsStandard(t, {
      [`${index}: ${name(init)}`]: ({ Request }) => seen(new Request(U, init)),
      [`${index}: ${name(init)}, over another Request`]: ({ Request }) =>
        seen(new Request(new Request(U), init)),
    });
  }
});

t.test("duplex and bodies", async (t) => {
  const streamed = (): ReadableStream => ReadableStream.from([Buffer.from("a")]);
  for (const duplex of [undefined, "half", "full"]) {
    for (const method of ["GET", "HEAD", "POST"]) {
      await sameAsStandard(t, {
        [`a stream, ${method}, ${duplex}`]: ({ Request }) =>
          seen(new Request(U, { method, body: streamed(), duplex })),
        [`text, ${method}, ${duplex}`]: ({ Request }) =>
          seen(new Request(U, { method, body: "a", duplex })),
        [`null, ${method}, ${duplex}`]: ({ Request }) =>
          seen(new Request(U, { method, body: null, duplex })),
        [`keepalive and a stream, ${method}, ${duplex}`]: ({ Request }) =>
          seen(new Request(U, { method, body: streamed(), duplex, keepalive: true })),
      });
    }
  }
});

const another = { body: "b" };

t.test("a Request of a Request", (t) =>
  sameAsStandard(t, {
    plain: async ({ Request }) => {
      const first = new Request(U, { method: "POST", body: "a", headers: { b: "c" } });
      const second = new Request(first);
      return [seen(second), first.bodyUsed, await second.text(), await outcome(() => first.text())];
    },
    "it takes the body at once": ({ Request }) => {
      const first = new Request(U, { method: "POST", body: "a" });
      const { body } = first;
      void new Request(first);
      return [first.bodyUsed, body?.locked, first.body === body];
    },
    "not if it fails": async ({ Request }) => {
      const first = new Request(U, { method: "POST", body: "a" });
      const failed = await outcome(() => new Request(first, { mode: "navigate" }));
      return [failed, first.bodyUsed, await first.text()];
    },
    "a body over it": async ({ Request }) => {
      const first = new Request(U, { method: "POST", body: "a" });
      const second = new Request(first, another);
      return [seen(second), await second.text(), first.bodyUsed, await first.text()];
    },
    "null over its body": async ({ Request }) => {
      const first = new Request(U, { method: "POST", body: "a" });
      const second = new Request(first, { body: null });
      return [await second.text(), first.bodyUsed];
    },
    "GET over one with a body": ({ Request }) =>
      new Request(new Request(U, { method: "POST", body: "a" }), { method: "GET" }),
    "a locked one": ({ Request }) => {
      const first = new Request(U, { method: "POST", body: "a" });
      first.body?.getReader();
      return new Request(first);
    },
    "a used one with a body over it": async ({ Request }) => {
      const first = new Request(U, { method: "POST", body: "a" });
      await first.text();
      return await new Request(first, another).text();
    },
    "its headers are a copy": ({ Request }) => {
      const first = new Request(U, { headers: { a: "1" } });
      const second = new Request(first);
      second.headers.set("a", "2");
      return [first.headers.get("a"), second.headers.get("a")];
    },
    "headers over it": ({ Request }) =>
      seen(new Request(new Request(U, { headers: { a: "1" } }), { headers: { b: "2" } })),
    "no headers over it": ({ Request }) =>
      seen(new Request(new Request(U, { headers: { a: "1" } }), { headers: undefined })),
    "empty headers over it": ({ Request }) =>
      seen(new Request(new Request(U, { headers: { a: "1" } }), { headers: {} })),
    "of a subclass": ({ Request }) => {
      class Mine extends Request {}
      return seen(new Request(Reflect.construct(Mine, [U, { method: "PUT" }]) as Request));
    },
    "as init": async ({ Request }) => {
      const first = new Request(U, { method: "POST", body: "a", headers: { b: "c" } });
      const second = new Request("http://b.test/", first);
      return [seen(second), await second.text()];
    },
  }),
);

t.test("signals", (t) =>
  sameAsStandard(t, {
    "its own": ({ Request }) => {
      const request = new Request(U);
      return [request.signal instanceof AbortSignal, request.signal === request.signal];
    },
    "follows the given": ({ Request }) => {
      const controller = new AbortController();
      const request = new Request(U, { signal: controller.signal });
      const before = request.signal.aborted;
      controller.abort("why");
      return [before, request.signal.aborted, request.signal.reason, request.signal === controller];
    },
    "aborted before": ({ Request }) => {
      const request = new Request(U, { signal: AbortSignal.abort("why") });
      return [request.signal.aborted, request.signal.reason];
    },
    "through a clone and a copy": ({ Request }) => {
      const controller = new AbortController();
      const first = new Request(U, { signal: controller.signal });
      const others = [first.clone(), new Request(first), new Request(first, { signal: null })];
      controller.abort();
      return others.map((each) => each.signal.aborted);
    },
    "an event": ({ Request }) => {
      const controller = new AbortController();
      const seen: unknown[] = [];
      const request = new Request(U, { signal: controller.signal });
      request.signal.addEventListener("abort", (event: Event) => seen.push(event.type));
      controller.abort();
      return seen;
    },
  }),
);
