/** Tests of cross-origin resource sharing, over real connections. */
import t, { type Test } from "tap";
import { cors, type CorsOptions } from "../../src/handlers/cors.ts";
import { startApp, type TestServer } from "../support/server.ts";

const MODULE = new URL("../../src/handlers/cors.js", import.meta.url).href;

/** An app with one handler around which the options are put; options are JavaScript. */
async function serving(owner: Test, options: string): Promise<TestServer> {
  return await startApp(owner, `
    import { cors } from ${JSON.stringify(MODULE)};
    const kept = new Response("kept", { headers: { vary: "Accept" } });
    export default {
      routes: {
        "/own": cors(${options}, () => kept),
        "/declines": cors(${options}, () => undefined),
        "/next": cors(${options}),
      },
      fetch: (request) => new Response("behind " + request.method),
    };
  `);
}

type Asked = Record<string, string>;

async function ask({ url }: TestServer, path: string, headers: Asked, method = "GET") {
  const answer = await fetch(url + path, { method, headers });
  const text = await answer.text();
  const field = (name: string): string | null => answer.headers.get(name);
  return {
    status: answer.status,
    text,
    vary: field("vary"),
    origin: field("access-control-allow-origin"),
    credentials: field("access-control-allow-credentials"),
    methods: field("access-control-allow-methods"),
    fields: field("access-control-allow-headers"),
    exposed: field("access-control-expose-headers"),
    maxAge: field("access-control-max-age"),
    isPrivate: field("access-control-allow-private-network"),
  };
}

const PREFLIGHT = {
  origin: "https://a.example",
  "access-control-request-method": "PUT",
  "access-control-request-headers": "x-one, x-two",
};

t.test("everybody, without an option", async (t) => {
  const server = await serving(t, "{}");
  const plain = await ask(server, "/own", { origin: "https://a.example" });
  t.match(plain, { status: 200, text: "kept", origin: "*", credentials: null, vary: "Accept" });
  t.match(await ask(server, "/own", {}), { origin: "*" });
  t.match(await ask(server, "/own", PREFLIGHT, "OPTIONS"), {
    status: 204,
    text: "",
    origin: "*",
    methods: "GET, HEAD, PUT, PATCH, POST, DELETE",
    fields: "x-one, x-two",
    maxAge: null,
    isPrivate: null,
    vary: "Access-Control-Request-Method, Access-Control-Request-Headers",
  });
  t.match(await ask(server, "/next", {}, "OPTIONS"), { text: "behind OPTIONS", origin: "*" });
  t.match(await ask(server, "/declines", {}), { status: 200, text: "behind GET" });
});

t.test("some origins: who may not gets no permission, and Vary keeps caches apart", async (t) => {
  const ways = [
    '["https://a.example", "https://b.example"]', '"https://a.example"', "/^https:\\/\\/a\\./g",
    '(origin, request) => origin === "https://a.example" && request.url.length > 0',
    'async (origin) => origin === "https://a.example"',
  ];
  for (const way of ways) {
    const server = await serving(t, `{ origin: ${way}, credentials: true }`);
    for (let i = 0; i < 2; i++) {
      const allowed = await ask(server, "/own", { origin: "https://a.example" });
      t.match(allowed, {
        text: "kept", origin: "https://a.example", credentials: "true", vary: "Accept, Origin",
      });
    }
    const refused = { text: "kept", origin: null, credentials: null, vary: "Accept, Origin" };
    t.match(await ask(server, "/own", { origin: "https://evil.example" }), refused);
    t.match(await ask(server, "/own", {}), refused);
    const preflight = await ask(
      server, "/own", { ...PREFLIGHT, origin: "https://evil.example" }, "OPTIONS",
    );
    t.match(preflight, { status: 204, origin: null, methods: null, fields: null });
  }
});

t.test("what the wrapped handler permits does not count", async (t) => {
  const own = `new Response("own", { headers: {
    "access-control-allow-origin": "*", "access-control-allow-credentials": "true",
    "access-control-allow-methods": "PUT", "access-control-allow-headers": "x-one",
    "access-control-allow-private-network": "true", "access-control-expose-headers": "x-secret",
    "access-control-max-age": "60",
  } })`;
  const none = {
    text: "own", credentials: null, methods: null, fields: null, isPrivate: null, exposed: null,
    maxAge: null,
  };
  const server = await startApp(t, `
    import { cors } from ${JSON.stringify(MODULE)};
    const own = () => ${own};
    const some = { origin: ["https://a.example"] };
    export default {
      routes: {
        "/some": cors(some, own),
        "/next": cors(some),
        "/all": cors({}, own),
        "/more": cors({ ...some, credentials: true, exposedHeaders: ["X-Id"] }, own),
        "/thrown": cors(some, () => { throw own(); }),
      },
      fetch: own,
    };
  `);
  for (const path of ["/some", "/next", "/thrown"]) {
    t.match(await ask(server, path, { origin: "https://evil.example" }), { ...none, origin: null });
    t.match(await ask(server, path, {}), { ...none, origin: null });
    t.match(await ask(server, path, { origin: "https://a.example" }), {
      ...none, origin: "https://a.example",
    });
  }
  t.match(await ask(server, "/all", { origin: "https://a.example" }), { ...none, origin: "*" });
  t.match(await ask(server, "/more", { origin: "https://a.example" }), {
    ...none, origin: "https://a.example", credentials: "true", exposed: "X-Id",
  });
  t.match(await ask(server, "/more", { origin: "https://evil.example" }), {
    ...none, origin: null,
  });
});

t.test("what a preflight may ask for, and what scripts may read", async (t) => {
  const server = await serving(t, `{
    methods: ["GET", "PROPFIND"], allowedHeaders: ["X-One"], exposedHeaders: ["X-Id", "ETag"],
    maxAgeSeconds: 600, privateNetwork: true,
  }`);
  const asked = { ...PREFLIGHT, "access-control-request-private-network": "true" };
  t.match(await ask(server, "/own", asked, "OPTIONS"), {
    methods: "GET, PROPFIND", fields: "X-One", maxAge: "600", isPrivate: "true", exposed: null,
  });
  t.match(await ask(server, "/own", {}), { exposed: "X-Id, ETag" });
});

t.test("options that no client would understand are refused", (t) => {
  const wrong: [CorsOptions, RegExp][] = [
    [{ credentials: true }, /credentials need origins/],
    [{ origin: "https://a.example/" }, /"https:\/\/a.example\/" is no origin .*would be one/],
    [{ origin: ["a.example"] }, /"a.example" is no origin/],
    [{ methods: ["FETCH"] }, /"FETCH" is no method/],
    [{ allowedHeaders: ["a b"] }, /"a b" is no name/],
    [{ exposedHeaders: [""] }, /"" is no name/],
    [{ maxAgeSeconds: 1.5 }, /maxAgeSeconds/],
    ...[true, null, 5, {}].map((origin): [CorsOptions, RegExp] => (
      [{ origin: origin as never }, /^cors: origin is "\*", an origin, a list/]
    )),
    [{ origin: ["*"] }, /"\*" stands alone/],
    [{ origin: [5 as never] }, /origin is a list of texts/],
    [{ methods: [] }, /methods names none/],
    [{ methods: "GET" as never }, /methods is a list of texts/],
    [{ allowedHeaders: "X-A" as never }, /allowedHeaders is a list of texts/],
    [{ exposedHeaders: "X-A" as never }, /exposedHeaders is a list of texts/],
    [{ origin: "null", credentials: true, allowedHeaders: ["*"] }, /"\*" means nothing/],
    [{ origin: "null", credentials: true, exposedHeaders: ["*"] }, /"\*" means nothing/],
    [{ credentials: "false" as never }, /credentials is true or false/],
    [{ privateNetwork: 0 as never }, /privateNetwork is true or false/],
  ];
  for (const [options, message] of wrong) {
    t.throws(() => cors(options), { name: "TypeError", message });
  }
  t.doesNotThrow(() => cors({ origin: "null" }));
  t.doesNotThrow(() => cors({ origin: [], allowedHeaders: [], exposedHeaders: ["*"] }));
  t.end();
});
