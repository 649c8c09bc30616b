/** Addresses as events carry them. */
import t from "tap";
import { EVENT_ADDRESS, EVENT_PEER, EVENT_WORDS } from "../../src/shared/layout.ts";
import { peerAddress } from "../../src/worker/peer-address.ts";

function eventOf(family: number, port: number, bytes: number[]): Int32Array {
  const events = new Int32Array(EVENT_WORDS * 2);
  events[EVENT_WORDS + EVENT_PEER] = family << 16 | port;
  new Uint8Array(events.buffer, (EVENT_WORDS + EVENT_ADDRESS) * 4).set(bytes);
  return events;
}

const read = (family: number, port: number, bytes: number[]): unknown =>
  peerAddress(eventOf(family, port, bytes), EVENT_WORDS);

t.test("IPv4, IPv6, a Unix socket, none", async (t) => {
  t.strictSame(read(1, 65_535, [192, 0, 2, 255]), {
    address: "192.0.2.255", port: 65_535, family: "IPv4",
  });
  const bytes = [0x20, 1, 0x0d, 0xb8, ...Array.from({ length: 11 }, () => 0), 1];
  t.strictSame(read(2, 1, bytes), { address: "2001:db8::1", port: 1, family: "IPv6" });
  t.strictSame(read(2, 0, []), { address: "::", port: 0, family: "IPv6" });
  t.strictSame(read(3, 0, []), { address: "", family: "unix" });
});
