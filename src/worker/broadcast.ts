/**
 * One message to many sockets: it lies in the arena once, and each socket costs a record. Sockets
 * on which something waits get it behind that. Thread: the engine's.
 */
import type { UpgradedSocket } from "../shared/upgrades.ts";
import { RingSocket } from "./upgraded-socket.ts";

/** The bytes may change when it returns. */
export function broadcastTo(sockets: Iterable<UpgradedSocket>, bytes: Uint8Array): void {
  let last: RingSocket | null = null;
  let copy: Uint8Array | null = null;
  for (const socket of sockets) {
    if (socket instanceof RingSocket && socket.sendShared(bytes)) {
      last = socket;
    } else if (socket.writable) {
      // What waits in a stream must not change, and one copy does for all of them.
      copy ??= Uint8Array.from(bytes);
      socket.write(copy);
    }
  }
  last?.endShared();
}
