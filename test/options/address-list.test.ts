/** What a list of addresses may be. */
import t from "tap";
import { addressesOf, addressList, proxyTrust } from "../../src/options/address-list.ts";
import { passes } from "../../src/options/checks.ts";

t.test("addresses, networks and unix, as an array or a text", async (t) => {
  const good = [
    "", [], "unix", "10.0.0.1", "10.0.0.0/8", "0.0.0.0/0", "::1", "2001:db8::/32", "::/0",
    "::ffff:10.0.0.1/128", "10.0.0.1,unix", "10.0.0.1 10.0.0.2/32,  ::1", ["10.0.0.1", "unix"],
  ];
  for (const value of good) t.ok(passes(addressList, value), JSON.stringify(value));
  const bad = [
    "10.0.0", "10.0.0.0/33", "::1/129", "10.0.0.1/", "10.0.0.1/08", "10.0.0.1/8/8", "localhost",
    "fe80::1%eth0", "UNIX", "10.0.0.1;::1", ["10.0.0.1,::1"], [1], [""], 5, null, {},
    "010.0.0.1", "/8",
  ];
  for (const value of bad) t.notOk(passes(addressList, value), JSON.stringify(value));
});

t.test("a text is taken apart, an array is as it is", async (t) => {
  t.strictSame(addressesOf(" 10.0.0.1, ::1\tunix "), ["10.0.0.1", "::1", "unix"]);
  t.strictSame(addressesOf(["::1"]), ["::1"]);
});

t.test("trust is a number of proxies or their addresses", async (t) => {
  for (const value of [0, 1, 32, "0", "32", "", "10.0.0.1", ["unix"]]) {
    t.ok(passes(proxyTrust, value), JSON.stringify(value));
  }
  for (const value of [-1, 33, 1.5, NaN, "33", "-1", "1.5", "1,2", true, [1]]) {
    t.notOk(passes(proxyTrust, value), JSON.stringify(value));
  }
});
