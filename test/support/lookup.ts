/** Host names that a test makes up, for listeners of its own process. */
import dns from "node:dns/promises";
import { syncBuiltinESMExports } from "node:module";
import type { Owner } from "./folder.ts";

type Addresses = string[] | Promise<string[]>;

/** Until the test is over, these names have these addresses. */
export function nameHosts(owner: Owner, hosts: Record<string, Addresses>): void {
  const { lookup } = dns;
  const set = (to: typeof lookup): void => {
    dns.lookup = to;
    syncBuiltinESMExports();
  };
  set((async (name: string, options: object) => {
    const addresses = await hosts[name];
    return addresses?.map((address) => ({ address })) ?? await lookup(name, options);
  }) as typeof lookup);
  owner.teardown(() => set(lookup));
}
