/**
 * The address of a client as that of a subscriber: of IPv6 the network, since one customer has all
 * the addresses of a /64 (RFC 6177), of IPv4 the address, also in its IPv6 form. Any thread.
 */
import type { Endpoint } from "../shared/app.ts";

const GROUPS = 8;
const GROUP_BITS = 16;
const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** Whoever comes through a Unix socket has one and the same key. */
export function addressKey({ address, family }: Endpoint, prefixBits: number): string {
  if (family === "unix") return "unix";
  if (family === "IPv4") return address;
  const [plain = ""] = address.split("%");
  const mapped = MAPPED.exec(plain)?.[1];
  if (mapped !== undefined) return mapped;
  const kept = groupsOf(plain).map((group, at) => {
    const bits = Math.min(Math.max(prefixBits - at * GROUP_BITS, 0), GROUP_BITS);
    return (group & (0xffff << (GROUP_BITS - bits)) & 0xffff).toString(16);
  });
  return `${kept.join(":")}/${prefixBits}`;
}

/** Of a valid address, as the system writes it. */
function groupsOf(address: string): number[] {
  const [head = "", tail] = address.split("::");
  const front = head === "" ? [] : head.split(":");
  const back = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : GROUPS - front.length - back.length;
  const groups = [...front, ...Array.from({ length: Math.max(zeros, 0) }, () => "0"), ...back];
  return groups.map((group) => Number.parseInt(group, 16));
}
