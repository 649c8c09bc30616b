/**
 * Clients that send FIN or a reset before their answer is complete: the handler's signal aborts,
 * whatever the connection is waiting for, the answer is still written to one that reads on, and
 * a FIN that waits behind unread bytes does not make the loop spin.
 */
import { join } from "node:path";
import t from "tap";
import type { Test } from "tap";
import { until } from "../support/deadline.ts";
import { ownFolder } from "../support/folder.ts";
import type { RawClient } from "../support/raw-client.ts";
import { startApp } from "../support/server.ts";
import type { TestServer } from "../support/server.ts";
import { CLOSE_WAIT, KEEP_ALIVE_TIMER, tcpFacts } from "../support/tcp-table.ts";

const SOURCE = `
  import { performance } from "node:perf_hooks";
  const log = [];
  const gates = new Map();
  const gate = (name) => {
    let found = gates.get(name);
    if (found === undefined) {
      let open;
      const opened = new Promise((resolve) => (open = resolve));
      gates.set(name, (found = { open, opened }));
    }
    return found;
  };
  const watch = (request, name) => {
    const { signal } = request;
    log.push(name + (signal.aborted ? " began aborted" : " began"));
    signal.addEventListener("abort", () => log.push(name + " " + signal.reason.name));
  };
  async function* flood(count) {
    for (let i = 0; i < count; i++) yield new Uint8Array(65536);
  }
  let kept;
  export default {
    routes: {
      "/wait/:name": async (request) => {
        const { name } = request.params;
        watch(request, name);
        await gate(name).opened;
        return new Response(name + " " + (await request.text()).length);
      },
      "/flood/:name": (request) => {
        watch(request, request.params.name);
        return new Response(flood(96));
      },
      "/keep": (request) => { kept = request; return new Response("kept"); },
      "/-/kept": () => Response.json(kept.signal.aborted),
      "/-/open/:name": (request) => { gate(request.params.name).open(); return new Response(""); },
      "/-/log": () => Response.json(log),
      "/-/turns": () => Response.json(performance.nodeTiming.uvMetricsInfo.loopCount),
    },
  };
`;

/** More than a body keeps for its reader: the rest stays in the socket. */
const BODY = 120_000;
const TURNS_MAX = 60;
const WINDOW_MS = 300;

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`;
const post = (path: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${BODY}\r\n\r\n${"b".repeat(BODY)}`;

class Control {
  readonly #client: RawClient;

  private constructor(client: RawClient) {
    this.#client = client;
  }

  static async of(server: TestServer): Promise<Control> {
    return new Control(await server.connect());
  }

  async ask(path: string): Promise<string> {
    return (await this.#client.request(get(`/-/${path}`))).body;
  }

  async log(): Promise<string[]> {
    return JSON.parse(await this.ask("log")) as string[];
  }

  logged(line: string): Promise<void> {
    return until(line, async () => (await this.log()).includes(line));
  }

  /** The loop turns for its timer, ten times a second, and for little else. */
  async isQuiet(t: Test): Promise<void> {
    const before = Number(await this.ask("turns"));
    await new Promise((resolve) => setTimeout(resolve, WINDOW_MS));
    const turns = Number(await this.ask("turns")) - before;
    t.ok(turns <= TURNS_MAX, `${turns} turns in ${WINDOW_MS} ms`);
  }
}

for (const kind of ["TCP", "a Unix socket"]) {
  t.test(`FIN on ${kind}, behind a body that nobody reads`, async (t) => {
    const path = join(ownFolder(t), "socket");
    const listeners = kind === "TCP" ? undefined : [{ id: "unix", path }];
    const server = await startApp(t, SOURCE, { ...(listeners && { listeners }) });
    const control = await Control.of(server);
    const client = await server.connect();
    client.write(post("/wait/body"));
    await control.logged("body began");
    client.end();
    await control.logged("body AbortError");
    await control.isQuiet(t);
    await control.ask("open/body");
    t.equal((await client.response()).body, `body ${BODY}`, "the answer is still written");
    t.equal(await client.readToEnd(), "");
    t.strictSame(await control.log(), ["body began", "body AbortError"], "once");
  });
}

t.test("FIN behind requests beyond the cap", async (t) => {
  const server = await startApp(t, SOURCE, { pipelineMax: 2 });
  const control = await Control.of(server);
  const client = await server.connect();
  client.write(get("/wait/one") + get("/wait/two") + get("/wait/three"));
  await control.logged("two began");
  client.end();
  await control.logged("one AbortError");
  await control.logged("two AbortError");
  await control.isQuiet(t);
  for (const name of ["one", "two", "three"]) {
    await control.ask(`open/${name}`);
    t.equal((await client.response()).body, `${name} 0`);
  }
  t.equal(await client.readToEnd(), "");
  t.ok((await control.log()).includes("three began aborted"));
});

t.test("FIN of a reader that is slow", async (t) => {
  const server = await startApp(t, SOURCE);
  const control = await Control.of(server);
  const client = await server.connect();
  client.pause();
  client.write(get("/flood/slow"));
  await control.logged("slow began");
  client.write("GET");
  client.end();
  await control.logged("slow AbortError");
  await control.isQuiet(t);
  client.resume();
  t.equal((await client.response()).bodyBytes.length, 96 * 65_536, "all of it");
  t.equal(await client.readToEnd(), "");
});

t.test("a reset behind a body that nobody reads", async (t) => {
  const server = await startApp(t, SOURCE);
  const control = await Control.of(server);
  const client = await server.connect();
  client.write(post("/wait/reset"));
  await control.logged("reset began");
  client.reset();
  await control.logged("reset AbortError");
  await until("one connection", () => server.server.stats().workers[0]!.connections === 1);
  await control.isQuiet(t);
});

t.test("a reset after FIN", async (t) => {
  const server = await startApp(t, SOURCE);
  const control = await Control.of(server);
  const client = await server.connect();
  client.write(get("/wait/both"));
  client.end();
  await control.logged("both AbortError");
  client.reset();
  await until("one connection", () => server.server.stats().workers[0]!.connections === 1);
  t.strictSame(await control.log(), ["both began", "both AbortError"], "once");
});

t.test("a signal that is asked for after the answer does not abort", async (t) => {
  const server = await startApp(t, SOURCE);
  const control = await Control.of(server);
  const client = await server.connect();
  t.equal((await client.request(get("/keep"))).body, "kept");
  client.end();
  t.equal(await client.readToEnd(), "");
  client.close();
  await until("one connection", () => server.server.stats().workers[0]!.connections === 1);
  t.equal(await control.ask("kept"), "false");
});

t.test("a peer that has sent FIN is probed, so that one that has gone is noticed", async (t) => {
  const server = await startApp(t, SOURCE);
  const control = await Control.of(server);
  const client = await server.connect();
  const clientPort = client.socket.localPort!;
  client.write(get("/wait/probed"));
  client.end();
  await control.logged("probed AbortError");
  const facts = tcpFacts(server.port, clientPort);
  t.strictSame(facts, { state: CLOSE_WAIT, timer: KEEP_ALIVE_TIMER });
});
