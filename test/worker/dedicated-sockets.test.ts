/** Tests of the registry of handlers that own sockets. */
import t from "tap";
import type { Log } from "../../src/shared/app.ts";
import { DedicatedSockets } from "../../src/worker/dedicated-sockets.ts";

function registry(): { sockets: DedicatedSockets; errors: unknown[] } {
  const errors: unknown[] = [];
  const log = { error: (facts: unknown) => errors.push(facts) } as unknown as Log;
  return { sockets: new DedicatedSockets(log), errors };
}

t.test("a stop asks each handler with a socket there, once", async (t) => {
  const { sockets } = registry();
  const calls: string[] = [];
  const handler = { stop: (id?: string) => void calls.push(`one ${id}`) };
  const other = { stop: (id?: string) => void calls.push(`other ${id}`) };
  const ended = [sockets.register("web", handler), sockets.register("web", handler)];
  sockets.register("admin", other);
  sockets.register("web", {}); // has no stop
  sockets.stop("web");
  t.strictSame(calls, ["one web"]);
  ended[0]!();
  ended[0]!();
  sockets.stop("web");
  t.strictSame(calls, ["one web", "one web"], "it has another socket; an end counts once");
  ended[1]!();
  sockets.stop("web");
  sockets.stop("unknown");
  t.equal(calls.length, 2);
  sockets.stop("admin");
  t.equal(calls.at(-1), "other admin");
});

t.test("what a stop throws is logged and stops no other", async (t) => {
  const { sockets, errors } = registry();
  let isAsked = false;
  const failure = new Error("no");
  sockets.register("web", { stop: () => { throw failure; } });
  const end = sockets.register("web", { stop: () => { isAsked = true; } });
  sockets.stop("web");
  t.ok(isAsked);
  t.match(errors, [{ err: failure }]);
  // A handler may end its sockets while it is asked.
  const late = sockets.register("web", { stop: () => late() });
  end();
  sockets.stop("web");
});
