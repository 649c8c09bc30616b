/** Tests of the page that shows what went wrong, for the one who writes the app. */
import { fileURLToPath } from "node:url";
import t from "tap";
import { resolveOptions } from "../../src/options.ts";
import { startApp } from "../support/server.ts";

const APP = `
import { HttpError } from ${JSON.stringify(new URL("../../src/shared/errors.js", import.meta.url))};
const hostile = new Proxy({}, { get() { throw new Error("trap"); } });
export default {
  routes: {
    "/throw/:what": (request) => {
      const what = decodeURIComponent(request.params.what);
      throw new Error("failed: " + what, { cause: new Error("why") }); // the line that is meant
    },
    "/teapot": () => { throw new HttpError(418, "short", { headers: { "x-own": "1" } }); },
    "/hostile": () => { throw hostile; },
    "/forged": () => {
      const error = new Error("x");
      error.stack = "Error: x\\n    at f (/etc/hostname:1:1)\\n    at " + "(".repeat(60000);
      throw error;
    },
    "/number": () => 7,
  },
};
`;

const get = (path: string, accept: string): string =>
  `GET ${path} HTTP/1.1\r\nHost: a.test\r\nAccept: ${accept}\r\nAuthorization: Basic c2Vj\r\n` +
  `X-Odd: <script>\x9b\r\n\r\n`;
const BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

t.test("HTML for browsers: stack, source line and request, all of it escaped", async (t) => {
  const server = await startApp(t, APP, { development: true });
  const client = await server.connect();
  const path = `/throw/${encodeURIComponent('<img src=x onerror="a">\x1b')}?token=hidden`;
  const answer = await client.request(get(path, BROWSER));
  t.equal(answer.status, 500);
  t.equal(answer.header("content-type"), "text/html;charset=UTF-8");
  t.match(answer.header("content-security-policy"), /^default-src 'none'/);
  t.equal(answer.header("x-content-type-options"), "nosniff");
  t.equal(answer.header("cache-control"), "no-store");
  const { body } = answer;
  t.match(body, /<title>500: Error: failed: &lt;img src=x onerror=&quot;a&quot;&gt;\\x1b</);
  t.match(body, /&gt; +8 \| .*the line that is meant/);
  t.match(body, /app\.mjs:8</);
  t.match(body, /\[cause\]: Error: why/);
  t.match(body, /In the route &quot;\/throw\/:what&quot;/);
  t.match(body, /GET \/throw\/%3Cimg.*\?token=\[masked\]\nHost: a\.test/);
  t.match(body, /Authorization: \[masked\]/);
  t.match(body, /X-Odd: &lt;script&gt;\\x9b/);
  t.notMatch(body, /<script|<img|c2Vj|hidden|[^\P{Cc}\n\t]/u);
});

t.test("a message that looks like a stack chooses no file", async (t) => {
  const server = await startApp(t, APP, { development: true });
  const client = await server.connect();
  const frame = `x\n    at ${fileURLToPath(import.meta.url)}:1:1\ny`;
  const { body } = await client.request(get(`/throw/${encodeURIComponent(frame)}`, "text/plain"));
  t.match(body, /app\.mjs:8\n/);
  t.notMatch(body, /error-page\.test\.js:1\n/);
});

t.test("text for everybody else", async (t) => {
  const server = await startApp(t, APP, { development: true });
  const client = await server.connect();
  for (const accept of ["*/*", "application/json", "text/htmlx"]) {
    const answer = await client.request(get("/throw/x", accept));
    t.equal(answer.header("content-type"), "text/plain;charset=UTF-8");
    t.match(answer.body, /^Error: failed: x\n {4}at /);
    t.match(answer.body, /\/app\.mjs:8\n/);
    t.match(answer.body, /> +8 \| .*the line that is meant/);
  }
});

t.test("an HttpError keeps its status and fields; what cannot be shown is said", async (t) => {
  const server = await startApp(t, APP, { development: true });
  const client = await server.connect();
  const teapot = await client.request(get("/teapot", BROWSER));
  t.match(teapot, { status: 418 });
  t.equal(teapot.header("x-own"), "1");
  t.match(teapot.body, /<title>418: HttpError: short/);
  const hostile = await client.request(get("/hostile", BROWSER));
  t.equal(hostile.status, 500);
  const number = await client.request(get("/number", BROWSER));
  t.match(number, { status: 500, body: /returned number/ });
  t.notMatch(number.body, /response\.js:|dispatcher\.js:\d+<\/h2>/, "no source but the app's");
  const forged = await client.request(get("/forged", BROWSER));
  t.equal(forged.status, 500);
  t.notMatch(forged.body, /<h2>\/etc/, "what is no source is not read");
});

t.test("nothing of it in production, which is where nobody says otherwise", async (t) => {
  const server = await startApp(t, APP);
  const client = await server.connect();
  const answer = await client.request(get("/throw/x", BROWSER));
  t.match(answer, { status: 500, body: "Internal Server Error" });
  t.equal(answer.header("content-type"), "text/plain;charset=UTF-8");
  const app = fileURLToPath(import.meta.url);
  const isOn = (env: NodeJS.ProcessEnv, options: object = {}): boolean =>
    resolveOptions({ app, ...options }, env).development;
  t.equal(isOn({}), false);
  t.equal(isOn({ NODE_ENV: "production" }), false);
  t.equal(isOn({ NODE_ENV: "dev" }), false);
  t.equal(isOn({ NODE_ENV: "development" }), true);
  t.equal(isOn({ NODE_ENV: "development", MILLRACE_DEVELOPMENT: "false" }), false);
  t.equal(isOn({ NODE_ENV: "development" }, { development: false }), false);
  t.equal(isOn({}, { development: true }), true);
});
