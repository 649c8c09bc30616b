/** The route of `metricsPath`, on the listener that has it and on those that do not. */
import t from "tap";
import { startApp } from "../support/server.ts";

const APP = `
  export default {
    routes: { "/metrics": new Response("the app's"), "/*": () => new Response("any") },
  };
`;

t.test("a listener with metricsPath answers it, the others leave it to the app", async (t) => {
  const { server } = await startApp(t, APP, {
    workers: 2,
    listeners: [
      { id: "web", host: "127.0.0.1", port: 0 },
      { id: "admin", host: "127.0.0.1", port: 0, metricsPath: "/metrics" },
    ],
  });
  const [web, admin] = server.listeners.map(({ url }) => `${url.replace(/\/$/, "")}/metrics`);
  for (let i = 0; i < 3; i++) {
    t.equal(await (await fetch(web!)).text(), "the app's");
    const answer = await fetch(admin!);
    t.equal(answer.status, 200);
    t.match(answer.headers.get("content-type"), /^text\/plain; version=0\.0\.4/);
    const text = await answer.text();
    t.match(text, /^http_server_request_duration_seconds_count\{.*\} \d+$/m, "it counts");
    t.match(text, /^http_server_active_requests\{[^}]*\} 1$/m, "this request itself");
    if (i > 0) t.match(text, /http_route="\/metrics"/);
  }
  const head = await fetch(admin!, { method: "HEAD" });
  t.same([head.status, await head.text()], [200, ""]);
  const post = await fetch(admin!, { method: "POST" });
  t.same([post.status, post.headers.get("allow")], [405, "GET, HEAD"]);
  await post.text();
  t.equal(await (await fetch(admin!.replace("/metrics", "/other"))).text(), "any");
});

t.test("handlers can ask for the same, and several paths can be", async (t) => {
  const source = `export default {
    routes: { "/own": async (request, { server }) => Response.json(await server.metrics()) },
  };`;
  const { server, url } = await startApp(t, source, {
    listeners: [
      { id: "a", host: "127.0.0.1", port: 0, metricsPath: "/a/metrics" },
      { id: "b", host: "127.0.0.1", port: 0, metricsPath: "/b" },
    ],
  });
  const own = await (await fetch(`${url}/own`)).json() as { late: number[]; text: string };
  t.same(own.late, []);
  t.match(own.text, /^# TYPE process_start_time_seconds gauge$/m);
  t.equal((await fetch(`${url}/a/metrics`)).status, 200);
  t.equal((await fetch(`${url}/b`)).status, 404, "the other listener's");
  t.equal((await fetch(`${server.listeners[1]!.url.replace(/\/$/, "")}/b`)).status, 200);
});

t.test("an added listener can be the first that shows metrics", async (t) => {
  const source = `
    let finish;
    export default { routes: {
      "/bare": () => new Response("x"), "/constant": new Response("c"),
      "/whole": (request) => new Response(request.method),
      "/long": () => new Promise((resolve) => (finish = () => resolve(new Response("late")))),
      "/finish": () => { finish(); return new Response("done"); },
    } };
  `;
  const { server, url } = await startApp(t, source, { workers: 1 });
  const paths = ["/bare", "/constant", "/whole"];
  const ask = async (path: string): Promise<string> => await (await fetch(url + path)).text();
  for (const path of [...paths, ...paths]) await ask(path);
  const long = ask("/long");
  await ask("/bare");
  const before = await server.metrics();
  t.notMatch(before.text, /http_server_request/);
  const admin = await server.addListener({ host: "127.0.0.1", port: 0, metricsPath: "/metrics" });
  for (let i = 0; i < 3; i++) for (const path of paths) await ask(path);
  await ask("/finish");
  t.equal(await long, "late");
  const shown = async (): Promise<string> =>
    await (await fetch(new URL("/metrics", admin.url))).text();
  const text = await shown();
  for (const path of paths) {
    const line = `^http_server_request_duration_seconds_count\\{.*http_route="${path}".*\\} 3$`;
    t.match(text, new RegExp(line, "m"), `${path}: those since then`);
  }
  t.notMatch(text, /http_route="\/long"/, "it came before");
  t.match(text, /^http_server_active_requests\{[^}]*"GET"[^}]*\} 1$/m, "and is not missing here");
  await server.scale(2);
  await server.reload();
  for (let i = 0; i < 4; i++) await ask("/whole");
  const later = /_duration_seconds_count\{.*http_route="\/whole".*\} 7$/m;
  t.match(await shown(), later, "also by workers that came later");
});
