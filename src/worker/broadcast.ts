/**
 * One message to many sockets: it lies in the arena once, and each socket costs a record. Whether a
 * socket can take it like that is asked once, here: with a thousand sockets each look counts.
 * Thread: the engine's.
 */
import type { Duplex } from "node:stream";
import { RingSocket } from "./upgraded-socket.ts";

export interface Receiver {
  readonly stream: Duplex;
}

/** `late` is called for those on which something waits, or that have ended. */
export function broadcastTo<Each extends Receiver>(
  receivers: Iterable<Each>,
  bytes: Uint8Array,
  late: (receiver: Each) => void,
): void {
  let last: RingSocket | null = null;
  for (const receiver of receivers) {
    const { stream } = receiver;
    if (stream instanceof RingSocket && stream.sendShared(bytes)) last = stream;
    else late(receiver);
  }
  last?.endShared();
}
