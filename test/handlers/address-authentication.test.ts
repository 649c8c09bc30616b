/** Tests of who is let in by address. */
import t from "tap";
import { byAddress } from "../../src/handlers/address-authentication.ts";
import type { Context, Endpoint, MillraceRequest } from "../../src/shared/app.ts";

function userFrom(addresses: readonly string[], client: Endpoint): unknown {
  const request = {} as MillraceRequest;
  return byAddress(addresses).authenticate(request, { client } as Context);
}

t.test("addresses and ranges of both families", (t) => {
  const ranges = ["10.0.0.0/8", "192.0.2.1", "fd00::/8", "::1"];
  const family = (address: string): "IPv4" | "IPv6" => (address.includes(":") ? "IPv6" : "IPv4");
  for (const address of ["10.1.2.3", "192.0.2.1", "fd12::1", "::1"]) {
    t.strictSame(userFrom(ranges, { address, family: family(address) }), { address });
  }
  for (const address of ["11.0.0.1", "192.0.2.2", "fe80::1", "::2"]) {
    t.equal(userFrom(ranges, { address, family: family(address) }), null);
  }
  t.equal(userFrom(["0.0.0.0/0", "::/0"], { address: "", family: "unix" }), null);
  t.equal(userFrom([], { address: "10.0.0.1", family: "IPv4" }), null);
  t.end();
});

t.test("what is no address", (t) => {
  for (const text of ["", "a", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/", "10/8/8"]) {
    t.throws(() => byAddress([text]), { name: "TypeError", message: `"${text}" is no address` });
  }
  for (const list of ["1", "10.0.0.0/8", undefined, null, 1, {}, [1], [null]]) {
    t.throws(() => byAddress(list as string[]), {
      name: "TypeError", code: "ERR_MILLRACE_OPTION_INVALID", message: /^byAddress: /,
    });
  }
  t.end();
});
