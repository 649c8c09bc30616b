/** Tests of what a stop does to WebSockets, on a running server. */
import t from "tap";
import { WebSocket } from "ws";
import type { StopResult } from "../../src/index.ts";
import { startApp } from "../support/server.ts";
import { openPeer, type Peer } from "../support/websocket-peer.ts";

const app = (member: string): string => `export default {
  fetch(request, context) {
    if (context.upgrade(request)) return;
    return new Response(String(context.pendingWebSockets));
  },
  websocket: {
    message(socket, message) { socket.send("heard " + message); },
    ${member}
  },
};
`;

const TWO = {
  listeners: [
    { id: "web", host: "127.0.0.1", port: 0 },
    { id: "admin", host: "127.0.0.1", port: 0 },
  ],
};

/** Of each peer: milliseconds until its close, in order. */
async function closeTimes(peers: readonly Peer[], startedAt: number): Promise<number[]> {
  const times = await Promise.all(peers.map(async ({ closed }) => {
    await closed;
    return performance.now() - startedAt;
  }));
  return times.sort((a, b) => a - b);
}

t.test("a listener that stops says 1001 to its sockets and to no others", async (t) => {
  const { server } = await startApp(t, app("closeSpreadMs: 0"), TWO);
  const [web, admin] = server.listeners.map(({ url }) => url) as [string, string];
  const peers = [await openPeer(t, web), await openPeer(t, web)];
  const other = await openPeer(t, admin);
  t.strictSame(await server.stopListener("web"), { graceful: true, destroyed: 0 });
  for (const { closed } of peers) {
    t.strictSame(await closed, { code: 1001, reason: "the server is going away" });
  }
  other.socket.send("still here");
  t.strictSame(await other.received(1), ["heard still here"]);
  await server.startListener("web");
  const again = await openPeer(t, server.listeners[0]!.url);
  again.socket.send("again");
  t.strictSame(await again.received(1), ["heard again"], "it takes sockets again");
  t.strictSame(await server.stopListener("web"), { graceful: true, destroyed: 0 });
  t.equal((await again.closed).code, 1001);
  other.socket.close();
});

t.test("the closes are spread over time, and a waiting socket goes on meanwhile", async (t) => {
  const { server, url } = await startApp(t, app("closeSpreadMs: 3000"), { workers: 1 });
  const peers: Peer[] = [];
  for (let i = 0; i < 12; i++) peers.push(await openPeer(t, url));
  const startedAt = performance.now();
  const times = closeTimes(peers, startedAt);
  const closing = server.close();
  await peers[0]!.closed;
  const last = peers.at(-1)!;
  last.socket.send("not yet");
  t.strictSame(await last.received(1), ["heard not yet"]);
  const all = await times;
  await closing;
  const spread = all.at(-1)! - all[0]!;
  t.ok(spread > 1500, `from the first to the last: ${Math.round(spread)} ms`);
  for (const { closed } of peers) t.equal((await closed).code, 1001);
});

t.test("a peer that does not answer 1001 is destroyed at the deadline", async (t) => {
  const { server, url } = await startApp(t, app("closeSpreadMs: 0"));
  const peer = await openPeer(t, url);
  peer.socket.pause(); // never reads the Close frame
  const result = await server.stopListener(server.listeners[0]!.id, { deadlineMs: 200 });
  t.strictSame(result, { graceful: false, destroyed: 1 });
});

t.test("force ends them at once", async (t) => {
  const { server, url } = await startApp(t, app("closeSpreadMs: 100000"));
  const peers = [await openPeer(t, url), await openPeer(t, url)];
  const result = await server.stopListener(server.listeners[0]!.id, { force: true });
  t.equal(result.graceful, false);
  for (const { closed } of peers) t.equal((await closed).code, 1006);
});

t.test("a reload ends those of the old workers, and new ones go to the new", async (t) => {
  const { server, url } = await startApp(t, app("closeSpreadMs: 0"));
  const old = await openPeer(t, url);
  await server.reload();
  t.equal((await old.closed).code, 1001);
  const fresh = await openPeer(t, url);
  fresh.socket.send("hello");
  t.strictSame(await fresh.received(1), ["heard hello"]);
  t.equal(await (await fetch(url)).text(), "1");
  fresh.socket.close();
});

t.test("who comes while the listener stops is closed with 1001 or never opened", async (t) => {
  const { server } = await startApp(t, app("closeSpreadMs: 20"), {
    listeners: [{ id: "web", host: "127.0.0.1", port: 0 }],
  });
  const seen = { opened: 0, refused: 0 };
  for (let round = 0; round < 8; round++) {
    const url = server.listeners[0]!.url.replace("http", "ws");
    const outcomes: Promise<number>[] = [];
    let stopped: Promise<StopResult> | null = null;
    for (let i = 0; i < 30; i++) {
      outcomes.push(outcomeOf(url));
      if (i === 10 + round) stopped = server.stopListener("web");
      await new Promise((resolve) => setImmediate(resolve));
    }
    t.strictSame(await stopped, { graceful: true, destroyed: 0 });
    for (const code of await Promise.all(outcomes)) {
      if (code === 0) seen.refused++;
      else seen.opened++;
      t.ok(code === 0 || code === 1001, `${code}`);
    }
    await server.startListener("web");
  }
  t.ok(seen.opened > 0 && seen.refused > 0, JSON.stringify(seen));
});

/** The code of its close; 0: it was never open. */
async function outcomeOf(url: string): Promise<number> {
  const socket = new WebSocket(url);
  let isOpen = false;
  socket.on("open", () => (isOpen = true));
  socket.on("error", () => {});
  const code = await new Promise<number>((resolve) => {
    socket.on("close", resolve);
  });
  return isOpen ? code : 0;
}
