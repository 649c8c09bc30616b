/** Tests that tools which watch async resources see a native listener. */
import { createHook } from "node:async_hooks";
import type { EventEmitter } from "node:events";
import t from "tap";
import { until } from "../support/deadline.ts";
import { announceListener } from "../../src/primary/announce.ts";

interface Owner extends EventEmitter {
  address(): unknown;
}

t.test("a resource as that of a node:net server appears and says that it listens", async (t) => {
  const found: Owner[] = [];
  const heard: unknown[] = [];
  const hook = createHook({
    init(_id, type, _trigger, resource) {
      if (type !== "TCPSERVERWRAP") return;
      // As those tools do: the owner is there once the constructor has ended.
      setImmediate(() => undefined);
      queueMicrotask(() => {
        const { owner } = resource as { owner: Owner };
        found.push(owner);
        owner.once("listening", () => heard.push(owner.address()));
      });
    },
  });
  hook.enable();
  t.teardown(() => hook.disable());
  announceListener("127.0.0.1", 1234);
  announceListener("::1", 1235);
  await until("both to listen", () => heard.length === 2);
  t.equal(found.length, 2);
  t.strictSame(heard, [
    { address: "127.0.0.1", family: "IPv4", port: 1234 },
    { address: "::1", family: "IPv6", port: 1235 },
  ]);
});
