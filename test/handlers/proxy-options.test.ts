/** Tests of the target that the proxy's options make; how wrong ones are told is tested there. */
import t from "tap";
import { targetOf } from "../../src/handlers/proxy-options.ts";

t.test("a target with its defaults, and with options of its own", (t) => {
  const plain = targetOf("http://a.test/b", {});
  t.match(plain, { timeoutMs: 30_000, fields: { preserveHost: false, headers: {} } });
  t.equal(plain.url.href, "http://a.test/b");
  t.equal(plain.agent.maxSockets, 256);
  const headers = { "X-A": "b", "X-B": null };
  const own = targetOf(new URL("https://a.test/"), {
    timeoutMs: 5, connectionsMax: 2, preserveHost: true, headers, tls: { rejectUnauthorized: true },
  });
  t.match(own, { timeoutMs: 5, fields: { preserveHost: true, headers } });
  t.equal(own.agent.maxSockets, 2);
  t.throws(() => targetOf("https://user@a.test/", {}), TypeError);
  t.end();
});
