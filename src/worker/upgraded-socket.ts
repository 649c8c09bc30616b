/**
 * The socket of a connection that has left HTTP: a Duplex over the rings. What is written goes to
 * the reply ring at once while the kernel keeps up, what comes is copied out of the slab and
 * pushed. Nothing an app holds of it shows memory of the engine. Thread: the engine's.
 */
import { Duplex } from "node:stream";
import type { Endpoint } from "../shared/connection-info.ts";
import {
  KIND_ABORT,
  KIND_FINISH,
  KIND_PAUSE_BODY,
  KIND_RESUME_BODY,
  REPLY_CLOSE,
  REPLY_RESET,
  SLOT_UNSENT,
  SLOT_WORDS,
} from "../shared/layout.ts";
import { SOCKET_OPTION } from "../native.ts";
import type { UpgradedSocket } from "../shared/upgrades.ts";
import { COPY_BYTES_MAX, type Rings } from "./rings.ts";

/** As that of a net.Socket of Node.js 22 and later. */
const HIGH_WATER_MARK = 65_536;
/** Up to this length a loop copies faster than a call does. */
const LOOP_LENGTH_MAX = 48;
/** Of messages that lie in the arena once for many sockets: beyond it each writes its own. */
const SHARED_BYTES_MAX = 262_144;
/** After how much silence the kernel probes the peer. */
export const KEEP_ALIVE_SECONDS = 60;

/** What a socket is made of. */
export interface SocketPlace {
  readonly rings: Rings;
  readonly slot: number;
  readonly generation: number;
  /** So much may wait for the kernel before writers wait. */
  readonly outputBytesMax: number;
  readonly remote: Endpoint;
  readonly local: Endpoint;
  setOption(option: number, value: number): void;
}

type Callback = (error?: Error | null) => void;
type Encoded = { readonly chunk: Uint8Array };

/**
 * The writing side, and after it the close: FIN follows what has been written, it has been sent;
 * the connection is to be closed, and it is.
 */
const STAGE = { open: 0, finishing: 1, finished: 2, closing: 3, closed: 4 } as const;
type Stage = (typeof STAGE)[keyof typeof STAGE];

export class RingSocket extends Duplex implements UpgradedSocket {
  bytesRead = 0;
  bytesWritten = 0;
  timeout = 0;
  readonly connecting = false;
  readonly pending = false;
  readonly #place: SocketPlace;
  readonly #rings: Rings;
  readonly #slot: number;
  readonly #generation: number;
  readonly #unsentAt: number;
  #stage: Stage = STAGE.open;
  /** What waits for the kernel: the rest of a write, from `#offset` of the first on. */
  #chunks: readonly Encoded[] = [];
  #at = 0;
  #offset = 0;
  /** Of the write or the end that waits. */
  #sent: Callback | null = null;
  /** Of a destruction that waits for the close. */
  #closed: (() => void) | null = null;
  #isPaused = false;
  #isDropping = false;
  #hasPeerEnded = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(place: SocketPlace) {
    super({
      allowHalfOpen: true,
      readableHighWaterMark: HIGH_WATER_MARK,
      writableHighWaterMark: HIGH_WATER_MARK,
    });
    this.#place = place;
    this.#rings = place.rings;
    this.#slot = place.slot;
    this.#generation = place.generation;
    this.#unsentAt = place.slot * SLOT_WORDS + SLOT_UNSENT;
    // An error that nobody listens to would end the worker, and a peer can cause one.
    this.on("error", ignore);
  }

  // What the engine tells.

  /** Bytes have come; they are copied. */
  receive(slab: Uint8Array, offset: number, length: number): void {
    if (this.destroyed || this.#isDropping) return;
    const chunk = Buffer.allocUnsafeSlow(length);
    if (length <= LOOP_LENGTH_MAX) {
      for (let i = 0; i < length; i++) chunk[i] = slab[offset + i]!;
    } else {
      chunk.set(slab.subarray(offset, offset + length));
    }
    this.give(chunk);
  }

  /** The same of bytes that are the socket's already. */
  give(chunk: Buffer): void {
    if (this.destroyed || this.#isDropping) return;
    this.bytesRead += chunk.length;
    if (this.#timer !== null) this.#timer.refresh();
    if (this.push(chunk) || this.#isPaused) return;
    this.#isPaused = true;
    this.#signal(KIND_PAUSE_BODY);
  }

  /**
   * Its owner is done with it: what was written is sent, then FIN; what still comes is dropped, and
   * native closes the connection at the peer's FIN or after a short time.
   */
  closeSoon(): void {
    if (this.destroyed) return;
    this.#isDropping = true;
    if (this.writable) this.end();
    // Of one that was ended before native knows already that it ends, but not that it closes.
    if (this.#stage !== STAGE.open) this.#signal(KIND_FINISH, REPLY_CLOSE);
  }

  /** The peer's FIN has come. */
  receiveEnd(): void {
    if (this.#hasPeerEnded || this.destroyed) return;
    this.#hasPeerEnded = true;
    // Before all other listeners: if there are none, nobody is going to end the socket.
    this.prependOnceListener("end", () => {
      if (this.listenerCount("end") === 0 && this.writable) this.end();
    });
    this.push(null);
    if (this.readableLength === 0) this.read(0); // `end` comes also when nobody reads
  }

  /** The kernel has taken everything. */
  resumeWriting(): void {
    if (this.#timer !== null) this.#timer.refresh();
    if (this.#pump()) this.#settle();
  }

  /** The connection has closed. `error`: it was not in order. */
  connectionClosed(error: Error | null): void {
    const before = this.#stage;
    this.#stage = STAGE.closed;
    this.#clearTimer();
    if (this.#closed !== null) {
      this.#closed();
      return;
    }
    const isInOrder = error === null && this.#hasPeerEnded && before !== STAGE.open;
    if (isInOrder && before === STAGE.finishing) this.#settle();
    if (!isInOrder || this.#isDropping) this.destroy(error ?? undefined);
  }

  // What is written.

  /** Whether bytes can go to the ring past the stream: nothing waits before them. */
  get isIdle(): boolean {
    return this.writable && this.writableLength === 0 && this.writableCorked === 0 &&
      !this.#isBehind();
  }

  /** The same bytes go to many sockets in a row. False: this one cannot take them like that. */
  sendShared(bytes: Uint8Array): boolean {
    if (bytes.length > SHARED_BYTES_MAX || !this.isIdle) return false;
    this.#rings.sendShared(this.#slot, this.#generation, bytes);
    this.bytesWritten += bytes.length;
    if (this.#timer !== null) this.#timer.refresh();
    return true;
  }

  /** Ends the run of `sendShared` of all sockets of this engine. */
  endShared(): void {
    this.#rings.endShared();
  }

  get unsentBytes(): number {
    const isOpen = this.#stage !== STAGE.closed;
    return this.writableLength + (isOpen ? this.#rings.slots[this.#unsentAt]! : 0);
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, callback: Callback): void {
    const { length } = chunk;
    this.bytesWritten += length;
    if (this.#timer !== null) this.#timer.refresh();
    if (length <= COPY_BYTES_MAX && !this.#isBehind()) {
      this.#rings.send(this.#slot, this.#generation, chunk);
      callback();
      return;
    }
    this.#put([{ chunk }], callback);
  }

  override _writev(chunks: readonly Encoded[], callback: Callback): void {
    for (const { chunk } of chunks) this.bytesWritten += chunk.length;
    if (this.#timer !== null) this.#timer.refresh();
    this.#put(chunks, callback);
  }

  override _final(callback: Callback): void {
    this.#rings.notifySent(this.#slot, this.#generation);
    this.#signal(KIND_FINISH, this.#isDropping ? REPLY_CLOSE : 0);
    this.#stage = STAGE.finishing;
    this.#sent = callback;
  }

  #put(chunks: readonly Encoded[], callback: Callback): void {
    this.#chunks = chunks;
    this.#at = 0;
    this.#offset = 0;
    this.#sent = callback;
    if (this.#pump()) this.#settle();
  }

  /** Whether all is in the ring; if not, a writable event follows. */
  #pump(): boolean {
    for (; this.#at < this.#chunks.length; this.#at++, this.#offset = 0) {
      const { chunk } = this.#chunks[this.#at]!;
      while (this.#offset < chunk.length) {
        if (this.#isBehind()) {
          this.#rings.notifySent(this.#slot, this.#generation);
          return false;
        }
        const end = Math.min(this.#offset + COPY_BYTES_MAX, chunk.length);
        this.#rings.send(this.#slot, this.#generation, chunk.subarray(this.#offset, end));
        this.#offset = end;
      }
    }
    return true;
  }

  #settle(): void {
    const callback = this.#sent;
    this.#sent = null;
    this.#chunks = NOTHING;
    if (this.#stage === STAGE.finishing) this.#stage = STAGE.finished;
    callback?.();
  }

  /** As known since the last send, so an arena may be on top. */
  #isBehind(): boolean {
    return this.#rings.slots[this.#unsentAt]! > this.#place.outputBytesMax;
  }

  // What is read.

  override _read(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#signal(KIND_RESUME_BODY);
  }

  // The end.

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#clearTimer();
    this.#abandon(error);
    if (this.#stage === STAGE.closed) {
      callback(error);
      return;
    }
    const isInOrder = error === null && this.#hasPeerEnded && this.#stage === STAGE.finished;
    this.#closed = () => callback(error);
    this.#stage = STAGE.closing;
    if (isInOrder) return; // native closes it: both have sent FIN
    if (this.#rings.isFilled) this.#rings.flush(); // what was written before goes first
    this.#signal(KIND_ABORT);
  }

  /** What waits is not sent any more: its writer is told, and by the stream those behind it. */
  #abandon(error: Error | null): void {
    const callback = this.#sent;
    this.#sent = null;
    this.#chunks = NOTHING;
    if (callback !== null) process.nextTick(callback, error ?? destroyedBefore());
  }

  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once("finish", () => this.destroy());
  }

  resetAndDestroy(): this {
    if (this.#stage < STAGE.closing) {
      this.#signal(KIND_ABORT, REPLY_RESET);
    }
    return this.destroy();
  }

  #signal(kind: number, flags = 0): void {
    if (this.#stage === STAGE.closed) return;
    this.#rings.signal(kind, this.#slot, this.#generation, flags);
  }

  // As a net.Socket.

  get remoteAddress(): string {
    return this.#place.remote.address;
  }

  get remotePort(): number | undefined {
    return this.#place.remote.port;
  }

  get remoteFamily(): Endpoint["family"] {
    return this.#place.remote.family;
  }

  get localAddress(): string {
    return this.#place.local.address;
  }

  get localPort(): number | undefined {
    return this.#place.local.port;
  }

  get localFamily(): Endpoint["family"] {
    return this.#place.local.family;
  }

  get readyState(): UpgradedSocket["readyState"] {
    if (this.readable) return this.writable ? "open" : "readOnly";
    return this.writable ? "writeOnly" : "closed";
  }

  address(): ReturnType<UpgradedSocket["address"]> {
    const { address, family, port } = this.#place.local;
    return port === undefined ? {} : { address, family, port };
  }

  setTimeout(milliseconds: number, callback?: () => void): this {
    this.#clearTimer();
    this.timeout = milliseconds;
    if (milliseconds > 0) {
      if (callback !== undefined) this.once("timeout", callback);
      if (this.destroyed) return this;
      this.#timer = setTimeout(() => this.emit("timeout"), milliseconds).unref();
    } else if (callback !== undefined) {
      this.removeListener("timeout", callback);
    }
    return this;
  }

  #clearTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  setKeepAlive(enable: boolean = false, initialDelay: number = 0): this {
    const seconds = Math.trunc(initialDelay / 1000) || KEEP_ALIVE_SECONDS;
    this.#setOption(SOCKET_OPTION.keepAlive, enable ? seconds : 0);
    return this;
  }

  setNoDelay(noDelay: boolean = true): this {
    this.#setOption(SOCKET_OPTION.noDelay, noDelay ? 1 : 0);
    return this;
  }

  #setOption(option: number, value: number): void {
    if (this.#stage !== STAGE.closed) this.#place.setOption(option, value);
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}

const NOTHING: readonly Encoded[] = [];

function ignore(): void {}

/** With the code that Node's streams have for a write to one that is destroyed. */
function destroyedBefore(): Error {
  const error = new Error("The socket was destroyed before all that was written had been sent");
  return Object.assign(error, { code: "ERR_STREAM_DESTROYED" });
}
