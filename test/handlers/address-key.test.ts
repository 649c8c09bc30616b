/** Tests of what of an address names a client. */
import t from "tap";
import { addressKey } from "../../src/handlers/address-key.ts";

const IPV6: [string, number, string][] = [
  ["2001:db8:1:2:3:4:5:6", 64, "2001:db8:1:2:0:0:0:0/64"],
  ["2001:db8:1:2::", 64, "2001:db8:1:2:0:0:0:0/64"],
  ["2001:db8:1:3::1", 64, "2001:db8:1:3:0:0:0:0/64"],
  ["2001:db8:1:2ff::1", 56, "2001:db8:1:200:0:0:0:0/56"],
  ["::1", 64, "0:0:0:0:0:0:0:0/64"],
  ["::1", 128, "0:0:0:0:0:0:0:1/128"],
  ["fe80::1%eth0", 64, "fe80:0:0:0:0:0:0:0/64"],
  ["::ffff:192.0.2.1", 64, "192.0.2.1"],
  ["8000::", 1, "8000:0:0:0:0:0:0:0/1"],
];

t.test("what of an address names a client", (t) => {
  for (const [address, bits, key] of IPV6) {
    t.equal(addressKey({ address, family: "IPv6" }, bits), key, `${address}/${bits}`);
  }
  t.equal(addressKey({ address: "192.0.2.1", family: "IPv4" }, 64), "192.0.2.1");
  t.equal(addressKey({ address: "", family: "unix" }, 64), "unix");
  t.end();
});
