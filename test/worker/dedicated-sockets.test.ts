/** Tests of the registry of handlers that own sockets. */
import t from "tap";
import type { Log } from "../../src/shared/app.ts";
import { DedicatedSockets, type SocketStopper } from "../../src/worker/dedicated-sockets.ts";

function registry(): { sockets: DedicatedSockets; errors: unknown[] } {
  const errors: unknown[] = [];
  const log = { error: (facts: unknown) => errors.push(facts) } as unknown as Log;
  return { sockets: new DedicatedSockets(log), errors };
}

/** A handler that notes what it is asked. */
function noting(calls: string[], name: string): SocketStopper {
  return { stop: (...args: unknown[]) => void calls.push([name, ...args].join(" ")) };
}

t.test("a stop of a listener asks each handler with a socket there, once", async (t) => {
  const { sockets } = registry();
  const calls: string[] = [];
  const handler = noting(calls, "one");
  const web = [sockets.register("web", handler), sockets.register("web", handler)];
  const admin = sockets.register("admin", handler);
  sockets.register("admin", noting(calls, "other"));
  sockets.register("web", {}); // has no stop
  sockets.stop("unknown");
  t.notOk(sockets.isStopped("web", handler));
  sockets.stop("web");
  sockets.stop("web");
  t.strictSame(calls, ["one web"], "once for all its sockets, and not again while they end");
  t.ok(sockets.isStopped("web", handler));
  t.ok(web[1]!.signal.aborted);
  t.equal(web[0]!.signal, web[1]!.signal, "one signal for a handler and a listener");
  t.notOk(sockets.isStopped("admin", handler), "another listener goes on");
  t.notOk(admin.signal.aborted);
  web[0]!.end();
  web[0]!.end();
  t.ok(sockets.isStopped("web", handler), "an end counts once");
  web[1]!.end();
  t.notOk(sockets.isStopped("web", handler), "forgotten with the last one");
  t.notOk(sockets.register("web", handler).signal.aborted);
});

t.test("without a socket a stop of the listener is nothing", async (t) => {
  const { sockets } = registry();
  const calls: string[] = [];
  const handler = noting(calls, "one");
  sockets.register("web", handler).end();
  sockets.stop("web");
  t.strictSame(calls, []);
  t.notOk(sockets.isStopped("web", handler));
});

t.test("a stop of a handler is for all listeners, once and for good", async (t) => {
  const { sockets } = registry();
  const calls: string[] = [];
  const [handler, other] = [noting(calls, "one"), noting(calls, "other")];
  const [web, admin] = [sockets.register("web", handler), sockets.register("admin", handler)];
  const left = sockets.register("web", other);
  sockets.stopHandler(handler);
  sockets.stopHandler(handler);
  t.strictSame(calls, ["one"], "without an argument");
  t.ok(web.signal.aborted && admin.signal.aborted);
  t.notOk(left.signal.aborted);
  web.end();
  admin.end();
  t.ok(sockets.isStopped("web", handler) && sockets.isStopped("new", handler));
  sockets.stopAll();
  t.strictSame(calls, ["one", "other"]);
});

t.test("who waits for the last socket is told", async (t) => {
  const { sockets } = registry();
  const ends: string[] = [];
  await sockets.ended("web");
  await sockets.ended();
  const [one, two] = [sockets.register("web", {}), sockets.register("admin", {})];
  void sockets.ended("web").then(() => ends.push("web"));
  const isAll = [sockets.ended(), sockets.ended()];
  one.end();
  await sockets.ended("web");
  await new Promise((resolve) => setImmediate(resolve));
  t.strictSame(ends, ["web"]);
  two.end();
  await Promise.all(isAll);
});

t.test("what a stop throws or rejects with is logged and stops no other", async (t) => {
  const { sockets, errors } = registry();
  const failure = new Error("no");
  let isAsked = false;
  sockets.register("web", { stop: () => { throw failure; } });
  sockets.register("web", { stop: () => Promise.reject(failure) });
  const last = sockets.register("web", { stop: () => { isAsked = true; } });
  sockets.stop("web");
  await new Promise((resolve) => setImmediate(resolve));
  t.ok(isAsked);
  t.match(errors, [{ err: failure }, { err: failure }]);
  last.end();
  // A handler may end its sockets while it is asked.
  const late = sockets.register("web", { stop: () => late.end() });
  sockets.stop("web");
});

t.test("a handler whose routes are gone is stopped, one with another route is not", async (t) => {
  const { sockets } = registry();
  const calls: string[] = [];
  const [gone, kept, fetched] = [noting(calls, "gone"), noting(calls, "kept"), noting(calls, "f")];
  sockets.register("web", gone, { table: 0, handler: "/chat room" });
  sockets.register("web", kept, { table: 0, handler: "/chat room" });
  sockets.register("admin", kept, { table: 2, handler: "/chat room" });
  sockets.register("web", fetched);
  sockets.stopRoutes(() => true);
  t.strictSame(calls, []);
  sockets.stopRoutes(({ table, handler }) => table === 2 && handler === "/chat room");
  t.strictSame(calls, ["gone"]);
  sockets.stopRoutes(() => false);
  t.strictSame(calls, ["gone", "kept"]);
});
