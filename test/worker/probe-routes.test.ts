/** The probes of a listener, answered natively and, behind other requests, by JavaScript. */
import t from "tap";
import { until } from "../support/deadline.ts";
import { startApp } from "../support/server.ts";

const PATHS = { livenessPath: "/livez", readinessPath: "/readyz" };
const APP = `
  const gates = [];
  export default {
    routes: {
      "/open": () => { for (const open of gates) open(); return new Response("opened"); },
      "/*": (request) => new Response("the app's " + new URL(request.url).pathname),
      "/wait": async (request) => {
        await new Promise((resolve) => gates.push(resolve));
        return new Response("waited");
      },
    },
  };
`;

t.test("probes are the server's on the listener that has them, the app's elsewhere", async (t) => {
  const { server } = await startApp(t, APP, {
    listeners: [
      { id: "web", host: "127.0.0.1", port: 0 },
      { id: "inside", host: "127.0.0.1", port: 0, ...PATHS },
    ],
  });
  const [web, inside] = server.listeners.map(({ url }) => url.replace(/\/$/, ""));
  for (const [path, text] of [["/livez", "live"], ["/readyz", "ready"], ["/readyz?a=1", "ready"]]) {
    const answer = await fetch(inside + path!);
    t.same([answer.status, await answer.text()], [200, text]);
    t.equal(answer.headers.get("cache-control"), "no-store");
    t.equal(answer.headers.get("content-type"), "text/plain;charset=UTF-8");
    t.match(await (await fetch(web + path!)).text(), /^the app's /);
  }
  t.equal(await (await fetch(`${inside}/livez/`)).text(), "the app's /livez/");
  const head = await fetch(`${inside}/readyz`, { method: "HEAD" });
  t.same([head.status, head.headers.get("content-length"), await head.text()], [200, "5", ""]);
  const post = await fetch(`${inside}/readyz`, { method: "POST", body: "x" });
  t.same([post.status, post.headers.get("allow")], [405, "GET, HEAD"]);
  await post.text();
});

t.test("a probe behind an unanswered request gets the same answer, in its turn", async (t) => {
  const { connect } = await startApp(t, APP, PATHS);
  const client = await connect();
  const opener = await connect();
  const head = " HTTP/1.1\r\nHost: h\r\n\r\n";
  client.write(`GET /wait${head}GET /readyz${head}GET /livez${head}HEAD /readyz${head}`);
  let waited;
  for (;;) {
    // The first one has no answer until another connection's request is handled behind it.
    await opener.request(`GET /open${head}`);
    if (client.pending === "") continue;
    waited = await client.response();
    break;
  }
  t.equal(waited.body, "waited");
  for (const text of ["ready", "live"]) {
    const answer = await client.response();
    t.same([answer.status, answer.body], [200, text]);
  }
  t.equal((await client.response("HEAD")).status, 200);
});

t.test("probes are answered above every limit of load, and no hook hears of them", async (t) => {
  const source = `
    const told = [];
    export default {
      onRequest: ({ request }) => void told.push(request?.url),
      onResponse: ({ status }) => void told.push(status),
      routes: { "/wait": () => new Promise(() => {}), "/told": () => Response.json(told) },
    };
  `;
  const { server, connect } = await startApp(t, source, { ...PATHS, inFlightMax: 1 });
  const head = " HTTP/1.1\r\nHost: h\r\n\r\n";
  const probe = await connect();
  for (let i = 0; i < 3; i++) t.equal((await probe.request(`GET /readyz${head}`)).status, 200);
  const told = await probe.request(`GET /told${head}`);
  t.same(JSON.parse(told.body), ["http://h/told"]);
  const busy = await connect();
  busy.write(`GET /wait${head}`);
  await until("the request in work", () => server.stats().workers[0]!.inFlight === 1);
  const refused = await probe.request(`GET /none${head}`);
  t.equal(refused.status, 503, "the worker takes no more");
  const after = await connect();
  t.equal((await after.request(`GET /readyz${head}`)).status, 200);
  t.equal((await after.request(`GET /livez${head}`)).status, 200);
});
