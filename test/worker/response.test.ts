/** Response, compared case by case with the runtime's. */
import { Readable } from "node:stream";
import { inspect } from "node:util";
import t from "tap";
import { CONTENT_TYPES } from "../../src/worker/body.ts";
import { headerLines, LightHeaders } from "../../src/worker/headers.ts";
import {
  isLightResponse,
  LightResponse,
  redirect,
  responseParts,
  toParts,
} from "../../src/worker/response.ts";
import { StandardResponse } from "../../src/worker/standard.ts";
import { type Classes, sameAsStandard, seen } from "../support/compare.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const streamed = (...chunks: unknown[]): ReadableStream => ReadableStream.from(chunks);

/** Fresh for each use: some can be read only once. */
const BODIES: Record<string, () => unknown> = {
  undefined: () => undefined,
  null: () => null,
  string: () => "häuser",
  "empty string": () => "",
  "string with BOM": () => "\ufeffabc",
  "string with a lone surrogate": () => "a\ud800b",
  number: () => 12,
  boolean: () => false,
  symbol: () => Symbol("s"),
  object: () => ({}),
  "String object": () => new String("abc"),
  array: () => ["a", "b"],
  date: () => new Date(0).toISOString(),
  Uint8Array: () => encode("abc"),
  Buffer: () => Buffer.from("abc"),
  Uint16Array: () => new Uint16Array([1, 2]),
  "bytes with BOM": () => new Uint8Array([0xef, 0xbb, 0xbf, 0x61]),
  "bytes that are no UTF-8": () => new Uint8Array([0x61, 0xff, 0x62]),
  "a part of a buffer": () => encode("abcdef").subarray(2, 4),
  DataView: () => new DataView(encode("abc").buffer as ArrayBuffer, 1),
  ArrayBuffer: () => encode("abc").buffer,
  Blob: () => new Blob(["abc"]),
  "Blob with type": () => new Blob(["abc"], { type: "Text/Plain" }),
  URLSearchParams: () => new URLSearchParams({ a: "1", b: "ä &" }),
  stream: () => streamed(encode("ab"), encode("c")),
  "stream of strings": () => streamed("ab"),
  "async iterable": () => (async function* () { yield encode("ab"); yield encode("c"); })(),
};

t.test("every kind of body, and what it implies", async (t) => {
  for (const [name, body] of Object.entries(BODIES)) {
    await sameAsStandard(t, {
      [name]: ({ Response }) => seen(new Response(body())),
      [`${name}, text`]: ({ Response }) => new Response(body()).text(),
      [`${name}, bytes`]: ({ Response }) => new Response(body()).arrayBuffer(),
      [`${name}, own type`]: ({ Response }) =>
        seen(new Response(body(), { headers: { "Content-Type": "x/y", a: "1" } })),
      [`${name}, own headers`]: ({ Response }) =>
        seen(new Response(body(), { headers: { "x-a": "1" } })),
      [`${name}, bodyUsed`]: async ({ Response }) => {
        const response = new Response(body());
        const before = response.bodyUsed;
        await response.text();
        return [before, response.bodyUsed, response.body === null];
      },
      [`${name}, read twice`]: async ({ Response }) => {
        const response = new Response(body());
        await response.text();
        return response.text();
      },
      [`${name}, through body`]: async ({ Response }) => {
        const response = new Response(body());
        if (response.body === null) return null;
        const chunks: Uint8Array[] = [];
        for await (const chunk of response.body) chunks.push(chunk);
        return [Buffer.concat(chunks).toString("hex"), response.bodyUsed];
      },
      [`${name}, same body twice`]: ({ Response }) => {
        const response = new Response(body());
        return [response.body === response.body, response.bodyUsed];
      },
      [`${name}, clone`]: async ({ Response }) => {
        const response = new Response(body(), { status: 201, statusText: "Yes" });
        const clone = response.clone();
        clone.headers.set("x-a", "1");
        const texts = [await response.text(), await clone.text()];
        return [texts, seen(response), seen(clone)];
      },
    });
  }
});

const INITS: Record<string, unknown> = {
  undefined: undefined,
  "empty object": {},
  string: "x",
  number: 1,
  function: () => {},
  "status 200": { status: 200 },
  "status 404": { status: 404, statusText: "Nope" },
  "status 599": { status: 599 },
  "status 199": { status: 199 },
  "status 600": { status: 600 },
  "status 0": { status: 0 },
  "status 101": { status: 101 },
  "status NaN": { status: NaN },
  "status as string": { status: "201" },
  "status as bad string": { status: "x" },
  "status 200.7": { status: 200.7 },
  "status 65736": { status: 65736 },
  "status undefined": { status: undefined },
  "status null": { status: null },
  "status symbol": { status: Symbol("s") },
  "statusText with LF": { statusText: "a\nb" },
  "statusText latin1": { statusText: "é" },
  "statusText beyond latin1": { statusText: "€" },
  "statusText null": { statusText: null },
  "statusText number": { statusText: 7 },
  "headers null": { headers: null },
  "headers string": { headers: "a" },
  "headers undefined": { headers: undefined },
  "headers pairs": { headers: [["set-cookie", "a"], ["set-cookie", "b"]] },
  "headers bad": { headers: { "a b": "c" } },
  "with a getter": { get status() { return 202; } },
};

t.test("the second argument", async (t) => {
  for (const [name, init] of Object.entries(INITS)) {
    await sameAsStandard(t, {
      [name]: ({ Response }) => seen(new Response("x", init)),
      [`${name}, no body`]: ({ Response }) => seen(new Response(null, init)),
      [`${name}, json`]: ({ Response }) => seen(Response.json({ a: 1 }, init)),
    });
  }
  for (const status of [101, 103, 204, 205, 304]) {
    for (const body of [null, undefined, "", "x", new Uint8Array(0)]) {
      await sameAsStandard(t, {
        [`${status} with ${JSON.stringify(body)}`]: ({ Response }) =>
          seen(new Response(body, { status })),
      });
    }
  }
});

t.test("null and another Response as the second argument", (t) =>
  sameAsStandard(t, {
    null: ({ Response }) => seen(new Response("x", null)),
    init: ({ Response, Headers }) => {
      const first = new Response("a", { status: 418, headers: new Headers({ a: "1" }) });
      return seen(new Response("b", first));
    },
  }),
);

t.test("static methods", (t) =>
  sameAsStandard(t, {
    json: ({ Response }) => seen(Response.json({ a: 1 })),
    "json text": ({ Response }) => Response.json({ a: [1, "ä"] }).text(),
    "json with type": ({ Response }) =>
      seen(Response.json(1, { headers: { "content-type": "application/problem+json" } })),
    "json with status 204": ({ Response }) => Response.json(1, { status: 204 }),
    "json of undefined": ({ Response }) => Response.json(undefined),
    "json of nothing": ({ Response }) => Response.json(),
    "json of a function": ({ Response }) => Response.json(() => {}),
    "json of a bigint": ({ Response }) => Response.json(1n),
    "json of null": ({ Response }) => Response.json(null).text(),
    redirect: ({ Response }) => seen(Response.redirect("http://a.test/ä b?c#d")),
    "redirect 301": ({ Response }) => seen(Response.redirect(new URL("http://a.test"), 301)),
    "redirect 308 as string": ({ Response }) => seen(Response.redirect("http://a.test", "308")),
    "redirect 200": ({ Response }) => Response.redirect("http://a.test", 200),
    "redirect relative": ({ Response }) => Response.redirect("/a"),
    "redirect to nowhere": ({ Response }) => Response.redirect(),
    "redirect is immutable": ({ Response }) =>
      Response.redirect("http://a.test").headers.set("a", "1"),
    error: ({ Response }) => seen(Response.error()),
    "error text": ({ Response }) => Response.error().text(),
    "error is immutable": ({ Response }) => Response.error().headers.set("a", "1"),
    "error clone": ({ Response }) => seen(Response.error().clone()),
    "error clone is immutable": ({ Response }) => Response.error().clone().headers.set("a", "1"),
  }),
);

t.test("reading", async (t) => {
  const form = "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b--\r\n";
  const typed = ({ Response }: Classes, body: unknown, type: string): Response =>
    new Response(body, { headers: { "content-type": type } });
  const entries = async (response: Response): Promise<unknown> => [
    ...((await response.formData()) as unknown as Iterable<unknown>),
  ];
  await sameAsStandard(t, {
    "json of bad": ({ Response }) => new Response("{").json(),
    "json of empty": ({ Response }) => new Response("").json(),
    "json of no body": ({ Response }) => new Response().json(),
    "json with BOM": ({ Response }) => new Response("\ufeff[1]").json(),
    "json of bytes": ({ Response }) => new Response(encode("[1]")).json(),
    "blob type": async ({ Response }) => (await new Response("a").blob()).type,
    "blob type of its own": async (classes) =>
      (await typed(classes, "a", "Text/HTML; Charset=x").blob()).type,
    "blob type of bytes": async ({ Response }) => (await new Response(encode("a")).blob()).type,
    "blob type that is none": async (classes) => (await typed(classes, "a", "x").blob()).type,
    "blob text": async ({ Response }) => (await new Response("ä").blob()).text(),
    "formData urlencoded": (classes) =>
      entries(typed(classes, "a=1&b=%C3%A4+x", "application/x-www-form-urlencoded")),
    "formData of URLSearchParams": ({ Response }) =>
      entries(new Response(new URLSearchParams({ a: "1" }))),
    "formData multipart": (classes) =>
      entries(typed(classes, form, "multipart/form-data; boundary=b")),
    "formData multipart cut": (classes) =>
      entries(typed(classes, form.slice(0, 40), "multipart/form-data; boundary=b")),
    "formData without boundary": (classes) => entries(typed(classes, form, "multipart/form-data")),
    "formData of text": ({ Response }) => new Response("a").formData(),
    "formData of no body": ({ Response }) => new Response().formData(),
    "text of another receiver": ({ Response }) => Response.prototype.text.call({}),
    "json of another receiver": ({ Response }) => Response.prototype.json.call({}),
    "status of another receiver": ({ Response }) => Response.prototype.status,
    "url of another receiver": ({ Response }) => Response.prototype.url,
    "headers of another receiver": ({ Response }) => Response.prototype.headers,
    "clone of another receiver": ({ Response }) => Response.prototype.clone.call({}),
  });
});

t.test("streams in hands of others", (t) =>
  sameAsStandard(t, {
    "locked stream as body": ({ Response }) => {
      const stream = streamed(encode("a"));
      stream.getReader();
      return new Response(stream);
    },
    "read stream as body": async ({ Response }) => {
      const stream = streamed(encode("a"));
      await stream.cancel();
      return new Response(stream);
    },
    "text while locked": async ({ Response }) => {
      const response = new Response("a");
      response.body.getReader();
      return [response.bodyUsed, await response.text()];
    },
    "text after a read": async ({ Response }) => {
      const response = new Response("a");
      const reader = response.body.getReader();
      await reader.read();
      reader.releaseLock();
      return [response.bodyUsed, await response.text()];
    },
    "text after body was looked at": async ({ Response }) => {
      const response = new Response("a");
      return [response.body.locked, await response.text(), response.bodyUsed];
    },
    "body after text": async ({ Response }) => {
      const response = new Response("a");
      await response.text();
      return [response.body === null, response.bodyUsed];
    },
    "cancelled body": async ({ Response }) => {
      const response = new Response("a");
      await response.body.cancel();
      return response.bodyUsed;
    },
    "clone of a used one": async ({ Response }) => {
      const response = new Response("a");
      await response.text();
      return response.clone();
    },
    "clone of a locked one": ({ Response }) => {
      const response = new Response("a");
      response.body.getReader();
      return response.clone();
    },
    "clone after body was looked at": async ({ Response }) => {
      const response = new Response(streamed(encode("a"), encode("b")));
      void response.body;
      const clone = response.clone();
      return [await clone.text(), await response.text(), response.bodyUsed, clone.bodyUsed];
    },
    "a reader that brings its own buffer": async ({ Response }) => {
      const reader = new Response("abc").body.getReader({ mode: "byob" });
      const first = await reader.read(new Uint8Array(2));
      return [...first.value];
    },
    "an erring stream": ({ Response }) =>
      new Response(new ReadableStream({ start: (c) => c.error(new RangeError("no")) })).text(),
    "an erring iterable": ({ Response }) =>
      new Response({
        [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new RangeError("no")) }),
      }).text(),
  }),
);

t.test("shape", (t) =>
  sameAsStandard(t, {
    names: ({ Response }) => [Response.name, Response.length, String(new Response())],
    "own keys": ({ Response }) => Object.keys(new Response("a", { headers: { a: "1" } })),
    statics: ({ Response }) => Object.keys(Response).sort(),
    enumerable: ({ Response }) => {
      const names: string[] = [];
      for (const name in new Response()) names.push(name);
      return names.filter((name) => name !== "textStream").sort();
    },
    "without new": ({ Response }) => Response("a"),
    "read-only": ({ Response }) => {
      new Response().status = 3;
    },
    subclass: async ({ Response }) => {
      class Mine extends Response {
        more = (): number => 1;
      }
      const mine = Reflect.construct(Mine, ["a"]);
      const plain = new Response();
      return [mine instanceof Mine, mine.more(), plain instanceof Mine, await mine.text()];
    },
  }),
);

t.test("both kinds are instances, and each takes the other", async (t) => {
  const ours = new LightResponse("a", { status: 201, headers: { a: "1" } });
  const theirs = new StandardResponse("b", ours);
  t.ok(ours instanceof StandardResponse);
  t.ok(theirs instanceof LightResponse);
  t.notOk({} instanceof LightResponse);
  t.notOk((null as unknown) instanceof LightResponse);
  t.ok(isLightResponse(ours));
  t.notOk(isLightResponse(theirs));
  t.equal(theirs.headers.get("a"), "1");
  t.equal(new LightResponse(theirs.body, theirs).status, 201);
  t.ok(ours.headers instanceof LightHeaders);
});

t.test("the parts, for the encoder", async (t) => {
  const text = responseParts(new LightResponse("Hello"));
  t.match(text, { status: 200, statusText: "", body: "Hello", bodyUsed: false, headers: null });
  t.equal(CONTENT_TYPES[text.contentType], "text/plain;charset=UTF-8");
  const json = responseParts(LightResponse.json({ a: 1 }, { headers: { b: "2" } }));
  t.equal(CONTENT_TYPES[json.contentType], "application/json");
  t.equal(headerLines(json.headers!), "b: 2\r\n", "the implied type is not among the headers");
  const own = responseParts(new LightResponse("a", { headers: { "content-type": "x/y" } }));
  t.equal(own.contentType, -1);
  const opened = new LightResponse("a");
  opened.headers.delete("content-type");
  t.match(responseParts(opened), { contentType: -1 });
  t.equal(headerLines(responseParts(opened).headers!), "");
  t.equal(responseParts(new LightResponse(new Uint8Array(1))).contentType, 0);
  t.equal(responseParts(LightResponse.error()).status, 0);
  const blob = responseParts(new LightResponse(new Blob(["a"], { type: "x/y" })));
  t.equal(headerLines(blob.headers!), "content-type: x/y\r\n");
  t.equal(responseParts(new LightResponse(Readable.from(["a"]))).contentType, 0);
});

t.test("parts know whether the body can still be sent", async (t) => {
  const looked = new LightResponse("a");
  t.ok(looked.body);
  t.match(responseParts(looked), { body: "a", bodyUsed: false }, "looking costs nothing");
  const locked = looked.body!.getReader();
  t.equal(responseParts(looked).bodyUsed, true);
  locked.releaseLock();
  const read = new LightResponse("a");
  await read.text();
  t.equal(responseParts(read).bodyUsed, true);
  const stream = new LightResponse(streamed(encode("a")));
  t.equal(responseParts(stream).bodyUsed, false);
  await stream.body!.cancel();
  t.equal(responseParts(stream).bodyUsed, true);
  const empty = new LightResponse(null);
  await empty.text();
  t.equal(responseParts(empty).bodyUsed, false);
});

t.test("parts of anything", async (t) => {
  t.match(toParts(new LightResponse("a")), { body: "a" });
  t.match(toParts(new StandardResponse("a", { status: 201 })), { status: 201 });
  for (const other of [null, undefined, "a", 1, {}, [], () => {}]) t.equal(toParts(other), null);
});

t.test("Node's readables, and iterables of strings", async (t) => {
  t.equal(await new LightResponse(Readable.from(["a", Buffer.from("b")])).text(), "ab");
  t.equal(await new LightResponse((async function* () { yield "ä"; yield "b"; })()).text(), "äb");
});

t.test("redirect takes relative references", async (t) => {
  const response = redirect("/new?a=ä b", 301);
  t.equal(response.status, 301);
  t.equal(response.headers.get("location"), "/new?a=%C3%A4%20b");
  t.equal(redirect("/a\r\nb: c").headers.get("location"), "/a%0D%0Ab:%20c");
  t.equal(redirect(new URL("http://a.test/")).status, 302);
  t.throws(() => redirect("/", 200), RangeError);
});

t.test("inspect shows the members", async (t) => {
  t.match(inspect(new LightResponse("a", { status: 404 })), /^Response \{\s+status: 404/);
});
