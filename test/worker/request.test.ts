/** Request, made and received, compared with the runtime's. */
import { inspect } from "node:util";
import t from "tap";
import { HttpError } from "../../src/shared/errors.ts";
import {
  isLightRequest,
  LightRequest,
  originOf,
  requestFrom,
  sendableOf,
  standardOf,
} from "../../src/worker/request.ts";
import { StandardRequest } from "../../src/worker/standard.ts";
import { outcome, sameAsStandard } from "../support/compare.ts";
import { type Received, received, sourceOf } from "../support/received.ts";

function seen(request: Request): unknown {
  const { method, url, bodyUsed, mode, credentials, cache, redirect, referrer } = request;
  const { referrerPolicy, integrity, keepalive, duplex, destination } = request;
  const hasBody = request.body !== null;
  return [
    [method, url, bodyUsed, mode, credentials, cache, redirect, referrer],
    [referrerPolicy, integrity, keepalive, duplex, destination],
    [request.signal.aborted, hasBody, [...request.headers]],
  ];
}

const U = "http://a.test/x?y";
const INITS: Record<string, [unknown?, unknown?]> = {
  nothing: [],
  url: [U],
  "URL object": [new URL(U)],
  "with fragment": ["http://a.test/#f"],
  relative: ["/x"],
  "with credentials": ["http://u:p@a.test/"],
  number: [1],
  "init null": [U, null],
  "init string": [U, "x"],
  method: [U, { method: "post" }],
  "method PATCH": [U, { method: "patch" }],
  "method of its own": [U, { method: "Foo" }],
  "method bad": [U, { method: "a b" }],
  "method TRACE": [U, { method: "TRACE" }],
  headers: [U, { headers: { a: "1", cookie: "b", host: "h" } }],
  "headers bad": [U, { headers: { "a b": "1" } }],
  body: [U, { method: "POST", body: "abc" }],
  "body of GET": [U, { body: "abc" }],
  "body urlencoded": [U, { method: "POST", body: new URLSearchParams("a=1") }],
  "stream without duplex": [U, { method: "POST", body: new ReadableStream() }],
  "stream with duplex": [U, { method: "POST", body: new ReadableStream(), duplex: "half" }],
  "duplex full": [U, { duplex: "full" }],
  modes: [U, { mode: "same-origin", credentials: "omit", cache: "no-store", redirect: "manual" }],
  referrer: [U, { referrer: "", referrerPolicy: "origin", integrity: "i", keepalive: true }],
  "mode navigate": [U, { mode: "navigate" }],
  "mode bad": [U, { mode: "x" }],
  "cache bad": [U, { cache: "only-if-cached" }],
  "window bad": [U, { window: 1 }],
  "signal null": [U, { signal: null }],
  "signal bad": [U, { signal: 1 }],
  "signal aborted": [U, { signal: AbortSignal.abort() }],
};

t.test("new Request, as an app makes it", async (t) => {
  for (const [name, args] of Object.entries(INITS)) {
    await sameAsStandard(t, { [name]: ({ Request }) => seen(new Request(...args)) });
  }
  await sameAsStandard(t, {
    "another Request": async ({ Request }) => {
      const first = new Request(U, { method: "POST", body: "abc", headers: { a: "1" } });
      const second = new Request(first, { headers: { b: "2" }, method: "PUT" });
      return [seen(first), seen(second), await second.text(), first.bodyUsed];
    },
    "a used one": async ({ Request }) => {
      const first = new Request(U, { method: "POST", body: "abc" });
      await first.text();
      return new Request(first);
    },
    "as init": async ({ Request }) => {
      const first = new Request(U, { method: "POST", body: "abc", headers: { a: "1" } });
      const second = new Request("http://b.test", first);
      return [seen(second), await second.text(), first.bodyUsed];
    },
    clone: async ({ Request }) => {
      const first = new Request(U, { method: "POST", body: "abc" });
      const clone = first.clone();
      return [await first.text(), await clone.text(), clone instanceof Request];
    },
    readers: async ({ Request }) => {
      const make = (): Request =>
        new Request(U, { method: "POST", body: "a=1", headers: { "content-type": "x/y" } });
      const form = new Request(U, { method: "POST", body: new URLSearchParams("a=1") });
      return [
        await make().arrayBuffer(),
        (await make().blob()).type,
        [...(await form.formData())],
        await outcome(() => make().json()),
        await outcome(() => make().formData()),
      ];
    },
    names: ({ Request }) => [Request.name, Request.length, String(new Request(U))],
    "without new": ({ Request }) => Request(U),
    "own keys": ({ Request }) => Object.keys(new Request(U)),
    enumerable: ({ Request }) => {
      const names: string[] = [];
      for (const name in new Request(U)) names.push(name);
      const own = new Set(["params", "cookies", "textStream", "attribute"]);
      for (const kind of ["Reload", "History"]) own.add(`is${kind}Navigation`);
      return names.filter((name) => !own.has(name)).sort();
    },
    "read-only": ({ Request }) => {
      new Request(U).method = "POST";
    },
    "text of another receiver": ({ Request }) => Request.prototype.text.call({}),
    "json of another receiver": ({ Request }) => Request.prototype.json.call({}),
    "method of another receiver": ({ Request }) => Request.prototype.method,
    "mode of another receiver": ({ Request }) => Request.prototype.mode,
    "clone of another receiver": ({ Request }) => Request.prototype.clone.call({}),
    subclass: ({ Request }) => {
      class Mine extends Request {}
      const mine = Reflect.construct(Mine, [U]);
      return [mine instanceof Mine, new Request(U) instanceof Mine, mine.url];
    },
  });
});

const FORM = '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n';
const RECEIVED: Record<string, Received> = {
  GET: { headers: [["host", "a.test"], ["x-a", "1"], ["X-A", "2"]] },
  POST: { method: "POST", body: '{"a":"ä"}', headers: [["content-type", "application/json"]] },
  "POST without body": { method: "POST" },
  "POST of nothing": { method: "POST", body: "" },
  "POST of bad JSON": { method: "POST", body: "{" },
  "POST with BOM": { method: "POST", body: "\ufeff1" },
  "POST of bytes": { method: "POST", body: new Uint8Array([1, 0xff, 3]) },
  form: {
    method: "POST",
    body: "a=1&b=2",
    headers: [["content-type", "application/x-www-form-urlencoded"]],
  },
  multipart: {
    method: "POST",
    body: FORM,
    headers: [["content-type", "multipart/form-data; boundary=b"]],
  },
};

type Use = (request: Request) => unknown;
const USES: Record<string, Use> = {
  members: seen,
  text: (r) => r.text(),
  json: (r) => r.json(),
  arrayBuffer: (r) => r.arrayBuffer(),
  blob: async (r) => {
    const blob = await r.blob();
    return [blob.type, await blob.text()];
  },
  formData: async (r) => [...(await r.formData())],
  "text twice": async (r) => [await r.text(), r.bodyUsed, await r.text()],
  "text then json": async (r) => [await r.text(), await r.json()],
  "body after text": async (r) => {
    await r.text();
    return [r.body === null, r.body === r.body, r.bodyUsed];
  },
  "text after looking": async (r) => [r.body === r.body, r.bodyUsed, await r.text(), r.bodyUsed],
  "text while locked": async (r) => {
    r.body?.getReader();
    return await r.text();
  },
  "a stream that was looked at, while and after text": async (r) => {
    const stream = r.body;
    const read = r.text();
    const during = [r.body === stream, stream?.locked, r.bodyUsed];
    const after = [await read, r.body === stream, stream?.locked, r.bodyUsed];
    const uses = [
      () => stream?.getReader(),
      () => stream?.cancel(),
      () => stream?.tee(),
      () => r.clone().method,
      () => new (r.constructor as typeof Request)(r).method,
    ];
    return [during, after, await Promise.all(uses.map(outcome))];
  },
  "a stream that was looked at, with clone": async (r) => {
    const stream = r.body;
    const clone = r.clone();
    const before = [stream?.locked, stream === null || r.body === stream, r.body?.locked];
    const texts = [await clone.text(), r.bodyUsed, clone.bodyUsed, clone.body?.locked];
    return [before, texts, await r.text(), await outcome(() => stream?.cancel())];
  },
  "a stream that was looked at, with another Request": async (r) => {
    void r.body;
    const other = new (r.constructor as typeof Request)(r);
    const used = [r.bodyUsed, other.bodyUsed, await outcome(() => r.text())];
    return [used, await other.text(), other.bodyUsed, await outcome(() => other.text())];
  },
  "a stream that was looked at, as init": async (r) => {
    const stream = r.body;
    const other = new (r.constructor as typeof Request)("http://b.test/", r);
    const used = [other.body === stream, r.bodyUsed, other.bodyUsed];
    return [used, await other.text(), r.bodyUsed, other.bodyUsed, await outcome(() => r.text())];
  },
  "another of another, and its clones": async (r) => {
    const Klass = r.constructor as typeof Request;
    const other = new Klass(new Klass(r, { headers: { b: "1" } }), { redirect: "manual" });
    const clone = other.clone();
    const texts = [await clone.clone().text(), await clone.text(), await other.text()];
    return [texts, seen(other), seen(clone), r.bodyUsed];
  },
  "both branches by hand": async (r) => {
    const clone = r.clone();
    const pieces = async (body: ReadableStream | null): Promise<string> => {
      const chunks: Uint8Array[] = [];
      if (body !== null) for await (const chunk of body) chunks.push(chunk);
      return Buffer.concat(chunks).toString("hex");
    };
    return [await Promise.all([pieces(r.body), pieces(clone.body)]), r.bodyUsed, clone.bodyUsed];
  },
  "by hand": async (r) => {
    if (r.body === null) return null;
    const chunks: Uint8Array[] = [];
    for await (const chunk of r.body) chunks.push(chunk);
    return [Buffer.concat(chunks).toString("hex"), r.bodyUsed, await outcome(() => r.text())];
  },
  clone: async (r) => {
    const clone = r.clone();
    const clones = clone.clone();
    clone.headers.set("x-a", "9");
    const texts = [await clones.text(), await r.text(), await clone.text()];
    return [texts, seen(r), seen(clone)];
  },
  "clone of a used one": async (r) => {
    await r.text();
    return r.clone().method;
  },
  "another Request of it": async (r) => {
    const other = new (r.constructor as typeof Request)(r);
    return [seen(other), r.bodyUsed, await other.text()];
  },
  "another Request of it with init": async (r) => {
    const init = { method: "PUT", headers: { b: "1" }, body: "new", redirect: "manual" } as const;
    const other = new (r.constructor as typeof Request)(r, init);
    return [seen(other), r.bodyUsed, await other.text(), await r.text()];
  },
  "another Request of a used one": async (r) => {
    await r.text();
    return new (r.constructor as typeof Request)(r).method;
  },
  "as init": async (r) => {
    const other = new (r.constructor as typeof Request)("http://b.test/", r);
    return [seen(other), await other.text(), r.bodyUsed];
  },
  "headers are mutable": (r) => {
    r.headers.set("a", "1");
    r.headers.delete("host");
    return [r.headers === r.headers, [...r.headers]];
  },
  "a proxy's Request": (r) => {
    const { method, headers, body } = r;
    const Klass = r.constructor as typeof Request;
    return seen(new Klass("http://b.test/", { method, headers, body, duplex: "half" } as never));
  },
};

t.test("a received request behaves as one made of the same", async (t) => {
  for (const [what, parts] of Object.entries(RECEIVED)) {
    const { method = "GET", headers = [], body = null } = parts;
    // As a stream: strings would imply a type.
    const init = body === null ? {} : { body: new Blob([body]), duplex: "half" as const };
    for (const [name, use] of Object.entries(USES)) {
      const standard = new StandardRequest("http://a.test/", { method, headers, ...init });
      const theirs = await outcome(() => use(standard));
      for (const isReady of [false, true]) {
        const ours = received({ ...parts, method, url: "http://a.test/", isReady });
        t.strictSame(await outcome(() => use(ours)), theirs, `${what}: ${name}, ${isReady}`);
      }
    }
  }
});

t.test("what is not asked for is not made, and what is, once", async (t) => {
  const source = sourceOf({ method: "POST", body: "abc", params: { id: "7" } });
  const request = requestFrom(source);
  t.strictSame(source.calls, []);
  for (let at = 0; at < 2; at++) {
    t.equal(request.url, "http://a.test/");
    t.equal(request.params["id"], "7");
    t.equal(request.headers.get("a"), null);
    t.equal(request.signal, request.signal);
  }
  t.equal(request.params, request.params);
  await request.text();
  await t.rejects(request.bytes(), TypeError);
  t.strictSame(source.calls, ["url", "params", "rawHeaders", "signal", "text"]);
  t.strictSame(new LightRequest("http://a.test").params, {});
});

t.test("bytes come in a buffer of their own", async (t) => {
  const bytes = await received({ method: "POST", body: "abc" }).bytes();
  t.equal(bytes.buffer.byteLength, 3);
  const made = new LightRequest("http://a.test", { method: "POST", body: "abc" });
  t.equal((await made.bytes()).length, 3);
  t.equal((await received({}).bytes()).length, 0);
});

t.test("whatever was done before, who collects is held to its limit", async (t) => {
  const BEFORE: ((request: LightRequest) => LightRequest)[] = [
    (request) => request,
    (request) => (void request.body, request),
    (request) => request.clone(),
    (request) => (void request.clone(), request),
    (request) => new LightRequest(request),
    (request) => new LightRequest("http://b.test/", request),
    (request) => new LightRequest(new LightRequest(request).clone()).clone(),
  ];
  for (const isReady of [false, true]) {
    for (const before of BEFORE) {
      const over = { method: "POST", body: "x".repeat(20), bytesMax: 10, isReady };
      for (const way of ["text", "json", "bytes", "arrayBuffer", "blob", "formData"] as const) {
        const request = before(received(over));
        const error: unknown = await request[way]().catch((reason: unknown) => reason);
        t.ok(error instanceof HttpError, `${String(before)} ${way}`);
        t.match(error, { status: 413, close: true, code: "ERR_MILLRACE_BODY_TOO_LARGE" });
        t.ok(request.bodyUsed);
      }
    }
  }
});

t.test("two Requests of one body: who only looked leaves it to the other", async (t) => {
  for (const isReady of [false, true]) {
    const source = sourceOf({ method: "POST", body: "abc", isReady });
    const [first, second] = [requestFrom(source), requestFrom(source)];
    const stream = first.body;
    t.equal(await second.text(), "abc");
    t.ok(stream?.locked);
    t.ok(first.bodyUsed);
    await t.rejects(first.text(), TypeError);
  }
});

t.test("what is sent to another server has the body", async (t) => {
  for (const isReady of [false, true]) {
    const make = (): LightRequest => received({ method: "POST", body: "abc", isReady });
    const made = [
      new LightRequest(make()),
      new LightRequest(new LightRequest(make()), { headers: {} }),
      new LightRequest(make()).clone(),
      new LightRequest("http://b.test/", make()),
      new LightRequest(new LightRequest("http://b.test/", make())),
      new LightRequest(make(), { body: "abc" }),
      new LightRequest("http://b.test/", { method: "POST", body: "abc" }),
    ];
    for (const [at, request] of made.entries()) {
      const sendable = sendableOf(request);
      t.strictSame(originOf(sendable), originOf(standardOf(request)!));
      t.equal(await sendable.text(), "abc", String(at));
      t.ok(request.bodyUsed, String(at));
    }
  }
});

t.test("both kinds are instances, and each takes the other", async (t) => {
  const ours = received({ method: "POST", body: "abc", headers: [["a", "1"]] });
  const made = new LightRequest("http://a.test/");
  const theirs = new StandardRequest("http://a.test/");
  t.ok(ours instanceof StandardRequest);
  t.ok(ours instanceof LightRequest);
  t.ok(made instanceof LightRequest);
  t.ok(theirs instanceof LightRequest);
  t.notOk({} instanceof LightRequest);
  t.ok(isLightRequest(ours));
  t.notOk(isLightRequest(theirs));
  t.notOk(isLightRequest(null));
  t.equal(standardOf(ours), null);
  t.ok(standardOf(made));
  t.equal(new LightRequest(theirs).url, theirs.url);
  const asInit = new StandardRequest("http://b.test/", ours);
  t.equal(asInit.headers.get("a"), "1");
  t.equal(await asInit.text(), "abc");
});

t.test("the signal of the received one goes into what is made of it", async (t) => {
  const controller = new AbortController();
  const request = received({ signal: controller.signal });
  const other = new LightRequest(request);
  controller.abort();
  t.ok(request.signal.aborted);
  t.ok(other.signal.aborted);
});

t.test("it is known whether fields and body are those of a client", async (t) => {
  const parts: Received = { method: "POST", body: "abc", headers: [["Host", "a.test"]] };
  const origin = (request: LightRequest): unknown => originOf(standardOf(request)!);
  const url = "http://b.test/";
  t.strictSame(origin(new LightRequest(received(parts))), { isWhole: true });
  t.strictSame(origin(new LightRequest(url, received(parts) as never)), { isWhole: true });
  t.strictSame(origin(new LightRequest(received(parts), { body: "x" })), { isWhole: false });
  t.equal(origin(new LightRequest(received(parts), { headers: {} })), null);
  const { headers } = received(parts);
  t.strictSame(origin(new LightRequest(url, { headers })), { isWhole: false });
  const whole = new LightRequest(received(parts));
  t.strictSame(origin(whole.clone()), { isWhole: true });
  t.strictSame(origin(new LightRequest(whole, { body: "x" })), { isWhole: false });
  t.equal(origin(new LightRequest(url)), null);
});

t.test("inspect shows the members", async (t) => {
  t.match(inspect(received({})), /^Request \{\s+method: 'GET',\s+url: 'http:\/\/a.test\/'/);
});
