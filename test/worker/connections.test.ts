/** `request.signal`, the state of a connection, and its close handlers. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { until } from "../support/deadline.ts";
import { ownFolder } from "../support/folder.ts";
import { connectRaw } from "../support/raw-client.ts";
import type { RawClient } from "../support/raw-client.ts";
import { startApp } from "../support/server.ts";
import type { TestServer } from "../support/server.ts";

const SOURCE = `
  const log = [];
  const watch = (request, name) => {
    const { signal } = request;
    signal.addEventListener("abort", () => log.push(name + " " + signal.reason.name));
  };
  let open;
  const opened = new Promise((resolve) => (open = resolve));
  const pending = (name) => async (request) => {
    watch(request, name);
    log.push(name + " started");
    await opened;
    log.push(name + " answered " + request.signal.aborted);
    return new Response(name);
  };
  async function* endless(request) {
    watch(request, "stream");
    for (;;) { yield "x"; await new Promise((resolve) => setTimeout(resolve, 5)); }
  }
  const kept = [];
  export default {
    routes: {
      "/wait/:name": (request, context) => pending(request.params.name)(request),
      "/stream": (request) => new Response(endless(request)),
      "/late": async (request) => {
        await opened;
        return new Response(String(request.signal.aborted));
      },
      "/done": (request) => {
        watch(request, "done");
        kept.push(request);
        return new Response("d");
      },
      "/done-async": async (request) => {
        watch(request, "done-async"); kept.push(request);
        return new Response(await request.text());
      },
      "/state": (request, context) => {
        const { state } = context.connection;
        state.count = (state.count ?? 0) + 1;
        return Response.json(state);
      },
      "/close": (request, { connection }) => {
        connection.onClose(() => log.push("first"), "owner");
        connection.onClose(() => log.push("closed " + connection.closed + " "
          + connection.remote.address), "owner");
        connection.onClose(() => { throw new Error("ignored"); });
        connection.onClose(() => log.push("never"), 7);
        connection.offClose(7);
        return new Response("watching");
      },
      "/take-back": (request, context) => {
        try {
          context.connectionById(new URL(request.url).searchParams.get("id")).offClose("owner");
          return new Response("taken back");
        } catch (error) {
          return new Response(error.code, { status: 404 });
        }
      },
      "/keep": (request, { connection }) => {
        connection.onClose(() => log.push("kept " + connection.id), "owner");
        connection.onClose(() => log.push("other " + connection.id), "other");
        return new Response(connection.id);
      },
      "/abort": (request, { connection }) => { connection.abort(); return new Response("x"); },
      "/facts": (request, { connection: { id, remote, local, closed } }) =>
        Response.json({ id, remote, local, closed }),
      "/-/open": () => (open(), new Response("open")),
      "/-/log": () => Response.json(log),
      "/-/aborted": () => Response.json(kept.map((request) => request.signal.aborted)),
    },
  };
`;

const ask = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`;

async function own<T>({ url }: TestServer, path: string): Promise<T> {
  return await (await fetch(`${url}/-/${path}`)).json() as T;
}

function logged(server: TestServer, line: string): Promise<void> {
  return until(line, async () => (await own<string[]>(server, "log")).includes(line));
}

t.test("the signal aborts when the client goes before its answer is complete", async (t) => {
  const server = await startApp(t, SOURCE);
  for (const how of ["fin", "reset"]) {
    const client = await server.connect();
    client.write(ask(`/wait/${how}`));
    await logged(server, `${how} started`);
    if (how === "fin") client.end();
    else client.socket.resetAndDestroy();
    await logged(server, `${how} AbortError`);
  }
  const streaming = await server.connect();
  streaming.write(ask("/stream"));
  await streaming.readUntil("x");
  streaming.socket.resetAndDestroy();
  await logged(server, "stream AbortError");
  const pipelined = await server.connect();
  pipelined.write(ask("/wait/p1") + ask("/wait/p2"));
  await logged(server, "p2 started");
  pipelined.socket.resetAndDestroy();
  await logged(server, "p1 AbortError");
  await logged(server, "p2 AbortError");
  await fetch(`${server.url}/-/open`);
  await logged(server, "p2 answered true");
});

t.test("the signal of who asks for it only after the client has gone", async (t) => {
  const server = await startApp(t, SOURCE);
  const client = await server.connect();
  client.write(ask("/late"));
  client.end();
  const other = await server.connect();
  other.write(ask("/wait/sync"));
  await logged(server, "sync started");
  await fetch(`${server.url}/-/open`);
  t.equal((await client.response()).body, "true");
});

t.test("the signal aborts at no other time", async (t) => {
  const server = await startApp(t, SOURCE);
  const client = await server.connect();
  t.equal((await client.request(ask("/done"))).body, "d");
  const post = "POST /done-async HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\n";
  client.write(post);
  client.write("ab");
  t.equal((await client.response()).body, "ab");
  client.write(ask("/done") + ask("/done"));
  await client.response();
  await client.response();
  client.end();
  t.equal(await client.readToEnd(), "");
  client.close();
  const reset = await server.connect();
  t.equal((await reset.request(ask("/done"))).body, "d");
  reset.socket.resetAndDestroy();
  await until("no connection but ours", () => server.server.stats().workers[0]!.connections <= 1);
  t.strictSame(await own(server, "aborted"), [false, false, false, false, false]);
  t.strictSame(await own(server, "log"), []);
});

const CUT = `
  const log = [];
  let open;
  const opened = new Promise((resolve) => (open = resolve));
  const watch = ({ signal }, name) => {
    log.push(name + " started");
    signal.addEventListener("abort", () => log.push(name + " aborted"));
  };
  const kept = [];
  const keep = (request, context) => {
    const name = request.params.name;
    kept.push(request);
    context.connection.onClose(() => log.push(name + " closed"));
    if (!name.startsWith("late")) watch(request, name);
    else log.push(name + " started");
    return name;
  };
  export default {
    routes: {
      "/wait/:name": async (request, context) => {
        const name = keep(request, context);
        await opened;
        log.push(name + " ended " + request.signal.aborted);
      },
      "/source/:name": (request, context) => {
        const name = keep(request, context);
        return new Response(new ReadableStream({
          start: (controller) => controller.enqueue("x"),
          cancel: () => { log.push(name + " cancelled"); },
        }));
      },
      "/flood/:name": (request, context) => {
        const name = keep(request, context);
        return new Response((async function* () {
          try { for (;;) yield new Uint8Array(65536); }
          finally { log.push(name + " cancelled"); }
        })());
      },
      "/upload/:name": async (request, context) => {
        const name = keep(request, context);
        await request.text().catch(() => log.push(name + " failed"));
        return "late";
      },
      "/abort/:name": async (request, context) => {
        const name = keep(request, context);
        context.connection.abort();
        await opened;
        log.push(name + " ended " + request.signal.aborted);
      },
      "/-/open": () => (open(), new Response("open")),
      "/-/log": () => Response.json(log),
      "/-/aborted": () => Response.json(kept.map((request) => request.signal.aborted)),
    },
  };
`;

t.test("what the server cuts aborts no signal, and is told by other means", async (t) => {
  const listeners = ["control", "web"].map((id) => ({ id, host: "127.0.0.1", port: 0 }));
  const server = await startApp(t, CUT, { listeners, writeTimeoutMs: 200 });
  const { port } = server.server.listeners[1]!;
  const begin = async (path: string, lines = ""): Promise<RawClient> => {
    const client = await connectRaw({ port });
    t.teardown(() => client.close());
    if (path.startsWith("/flood")) client.pause();
    client.write(`GET ${path} HTTP/1.1\r\nHost: a.test\r\n${lines}\r\n`);
    await logged(server, `${path.split("/")[2]} started`);
    return client;
  };
  await begin("/flood/stalled");
  await logged(server, "stalled cancelled");
  await logged(server, "stalled closed");
  await begin("/abort/abort");
  await begin("/abort/late-abort");
  await logged(server, "late-abort closed");
  await begin("/wait/wait");
  await begin("/wait/late-wait");
  await (await begin("/source/source")).readUntil("x");
  await begin("/upload/upload", "Content-Length: 5\r\n");
  await server.server.stopListener("web", { force: true });
  for (const line of ["wait closed", "late-wait closed", "source cancelled", "upload failed"]) {
    await logged(server, line);
  }
  // Others have come and gone in their slots before anybody asks again.
  for (let i = 0; i < 10; i++) (await server.connect()).reset();
  await fetch(`${server.url}/-/open`);
  for (const name of ["abort", "late-abort", "wait", "late-wait"]) {
    await logged(server, `${name} ended false`);
  }
  t.strictSame(await own(server, "aborted"), Array.from({ length: 7 }, () => false));
  const log = await own<string[]>(server, "log");
  t.strictSame(log.filter((line) => line.endsWith("aborted")), []);
});

t.test("state stays with its connection", async (t) => {
  const server = await startApp(t, SOURCE);
  const [one, two] = [await server.connect(), await server.connect()];
  for (let i = 1; i <= 3; i++) {
    t.strictSame(JSON.parse((await one.request(ask("/state"))).body), { count: i });
  }
  t.strictSame(JSON.parse((await two.request(ask("/state"))).body), { count: 1 });
  for (let i = 0; i < 30; i++) {
    const fresh = await server.connect();
    t.strictSame(JSON.parse((await fresh.request(ask("/state"))).body), { count: 1 });
    fresh.close();
  }
});

t.test("close handlers run once, one per owner, also if one fails", async (t) => {
  const server = await startApp(t, SOURCE);
  const client = await server.connect();
  t.equal((await client.request(ask("/close"))).body, "watching");
  t.equal((await client.request(ask("/close"))).body, "watching");
  client.close();
  await logged(server, "closed true 127.0.0.1");
  t.strictSame(await own(server, "log"), ["closed true 127.0.0.1"]);
});

t.test("abort closes without an answer", async (t) => {
  const server = await startApp(t, SOURCE);
  const client = await server.connect();
  client.write(ask("/abort"));
  t.equal(await client.readToEnd(), "");
});

t.test("facts", async (t) => {
  const server = await startApp(t, SOURCE);
  const client = await server.connect();
  const { id, remote, local, closed } = JSON.parse((await client.request(ask("/facts"))).body);
  t.match(id, /^\d+$/);
  t.strictSame(remote, { address: "127.0.0.1", port: client.socket.localPort, family: "IPv4" });
  t.strictSame(local, { address: "127.0.0.1", port: server.port, family: "IPv4" });
  t.equal(closed, false);
});

t.test("a close handler is taken back by the id of its connection", async (t) => {
  const server = await startApp(t, SOURCE);
  const watched = await server.connect();
  const { body: id } = await watched.request(ask("/keep"));
  const other = await server.connect();
  t.equal((await other.request(ask(`/take-back?id=${id}`))).body, "taken back");
  const unknown = await other.request(ask("/take-back?id=nobody"));
  t.match(unknown, { status: 404, body: "ERR_MILLRACE_CONNECTION_UNKNOWN" });
  watched.close();
  await logged(server, `other ${id}`);
  t.notOk((await own<string[]>(server, "log")).includes(`kept ${id}`));
  const late = await other.request(ask(`/take-back?id=${id}`));
  t.equal(late.status, 404, "it has closed");
});

t.test("on a socket for both families a peer of IPv4 has its own address", async (t) => {
  const log = join(ownFolder(t), "access");
  const { server } = await startApp(t, `
    export default {
      fetch: (request, { connection: { remote, local }, client }) =>
        Response.json([remote, local, client].map(({ address, family }) => [address, family])),
    };
  `, { listeners: [{ host: "::", port: 0 }], accessLog: log });
  const { port } = server.listeners[0]!;
  for (const [host, family] of [["127.0.0.1", "IPv4"], ["::1", "IPv6"]] as const) {
    const client = await connectRaw({ host, port: port! });
    const answer = await client.request("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    client.close();
    t.strictSame(JSON.parse(answer.body), Array.from({ length: 3 }, () => [host, family]));
  }
  await server.close();
  const remotes = readFileSync(log, "utf8").trim().split("\n").map((line) => line.split(" ")[0]);
  t.strictSame(remotes, ["127.0.0.1", "::1"]);
});

t.test("whose close handlers are all taken back goes on with another worker", async (t) => {
  const server = await startApp(t, `export default { routes: {
    "/plain": ({ url }, { connection }) => {
      connection.onClose(() => {}, "a");
      connection.onClose(() => {}, "b");
      connection.offClose("b");
      connection.offClose("none");
      if (!new URL(url).searchParams.has("keep")) connection.offClose("a");
      return new Response(connection.id);
    },
    "/with-state": (request, { connection }) => {
      connection.state.mine = 1;
      connection.onClose(() => {}, "a");
      connection.offClose("a");
      return new Response(connection.id);
    },
  } };`, { workers: 1 });
  const free = await server.connect();
  const bound = [await server.connect(), await server.connect()];
  await free.request(ask("/plain"));
  await bound[0]!.request(ask("/plain?keep"));
  await bound[1]!.request(ask("/with-state"));
  await server.server.reload();
  t.equal((await free.request(ask("/plain"))).status, 200);
  for (const client of bound) t.equal(await client.readToEnd(), "", "closed with its worker");
});
