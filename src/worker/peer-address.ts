/**
 * The peer's address as an event carries it: its connection may be gone by then. Pure.
 */
import type { Endpoint } from "../shared/app.ts";
import { EVENT_ADDRESS, EVENT_PEER } from "../shared/layout.ts";

/** `PeerAddress::Family` of core/request-record.h. */
const IPV4 = 1;
const IPV6 = 2;

/** The address of the event at word `base`; without one it was gone before it could be read. */
export function peerAddress(events: Int32Array, base: number): Endpoint {
  const family = events[base + EVENT_PEER]! >>> 16;
  const port = events[base + EVENT_PEER]! & 0xffff;
  const at = events.byteOffset + (base + EVENT_ADDRESS) * 4;
  const bytes = new Uint8Array(events.buffer, at, 16);
  if (family === IPV4) return { address: bytes.subarray(0, 4).join("."), port, family: "IPv4" };
  if (family === IPV6) return { address: ipv6Text(bytes), port, family: "IPv6" };
  return { address: "", family: "unix" };
}

/** As inet_ntop writes it (RFC 5952): the longest run of zeros is `::`. None is IPv4, mapped. */
function ipv6Text(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => (bytes[i * 2]! << 8 | bytes[i * 2 + 1]!));
  const full = groups.map((group) => group.toString(16)).join(":");
  return new URL(`http://[${full}]`).hostname.slice(1, -1);
}
