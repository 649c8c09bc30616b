/**
 * Who asks from where: addresses and ranges that are let in. Any thread.
 */
import { BlockList, isIPv4, isIPv6 } from "node:net";
import type { Authenticator } from "./authenticator.ts";
import { wrongOption } from "../shared/option-checks.ts";

/**
 * Lets in who comes from one of the addresses (`192.0.2.1`, `10.0.0.0/8`, `fd00::/8`), as
 * `context.client` says: behind a proxy that `trustProxy` names, the proxy's client. The user is
 * `{ address }`. There is no challenge: others get 403. Throws a TypeError for what is no address.
 */
export function byAddress(addresses: readonly string[]): Authenticator {
  if (!Array.isArray(addresses) || addresses.some((each) => typeof each !== "string")) {
    throw wrongOption("byAddress: the addresses are a list of strings");
  }
  const list = new BlockList();
  for (const text of addresses) add(list, text);
  return {
    authenticate(_request, { client }) {
      if (client.family === "unix") return null;
      const family = client.family === "IPv4" ? "ipv4" : "ipv6";
      return list.check(client.address, family) ? { address: client.address } : null;
    },
  };
}

function add(list: BlockList, text: string): void {
  const [address = "", prefix, ...rest] = text.split("/");
  const family = isIPv4(address) ? "ipv4" : isIPv6(address) ? "ipv6" : null;
  const bits = family === "ipv4" ? 32 : 128;
  const length = prefix === undefined ? bits : /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1;
  if (family === null || rest.length > 0 || length < 0 || length > bits) {
    throw wrongOption(`byAddress: "${text}" is no address, and no range such as 10.0.0.0/8`);
  }
  list.addSubnet(address, length, family);
}
