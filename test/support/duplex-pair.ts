/** Two Duplex streams, each of which reads what is written to the other one: a socket in memory. */
import { Duplex } from "node:stream";

class PairEnd extends Duplex {
  peer!: PairEnd;
  /** Of a write that its peer has no room for. */
  #waiting: (() => void) | null = null;

  constructor(highWaterMark: number) {
    super({ allowHalfOpen: true, highWaterMark });
    this.on("error", () => {});
  }

  override _read(): void {
    const waiting = this.peer.#waiting;
    this.peer.#waiting = null;
    waiting?.();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    if (this.peer.push(Buffer.from(chunk))) callback();
    else this.#waiting = callback;
  }

  override _final(callback: () => void): void {
    this.peer.push(null);
    callback();
  }
}

export function duplexPair(highWaterMark: number = 65_536): [Duplex, Duplex] {
  const one = new PairEnd(highWaterMark);
  const other = new PairEnd(highWaterMark);
  one.peer = other;
  other.peer = one;
  return [one, other];
}
