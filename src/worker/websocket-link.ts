/**
 * The WebSocket protocol on one Duplex, whatever that stands on: frames in through the receiver of
 * `ws`, frames out as they are given, the closing handshake, and what happens in time. It knows of
 * no app. Thread: the engine's.
 */
import { type Duplex, finished } from "node:stream";
import type { WebSocketClock } from "./websocket-clock.ts";
import { closeFrame, frameOf, OPCODE, payloadLength } from "./websocket-frames.ts";
import { WebSocketInput } from "./websocket-input.ts";
import { DEFLATE, type Inflater, type Receiver, wsPackage } from "./ws-package.ts";

/** A Duplex; some know better than it what the kernel has not taken yet. */
export type LinkStream = Duplex & { readonly unsentBytes?: number };

export interface LinkSettings {
  readonly maxPayloadLength: number;
  readonly backpressureLimit: number;
  readonly closeOnBackpressureLimit: boolean;
  /** Seconds; 0: none. */
  readonly idleTimeout: number;
  readonly sendPings: boolean;
}

/** Who is told what has come; nothing of it may throw. */
export interface LinkOwner {
  message(data: Buffer, isBinary: boolean): void;
  onPing(data: Buffer): void;
  onPong(data: Buffer): void;
  /** All has been handed over that made a `send` say -1. */
  drained(): void;
  /** Once, last. */
  closed(code: number, reason: string): void;
}

/** `ending`: there is nothing more to say; what comes is read and dropped until the peer's FIN. */
export const PHASE = { open: 1, closing: 2, ending: 3, closed: 4 } as const;
export type Phase = (typeof PHASE)[keyof typeof PHASE];

/** Seconds of silence after which a peer is pinged, if its time-out is not short. */
const PING_SECONDS = 20;
/** Seconds that a peer has to answer a Close frame, and to close its side after that. */
const CLOSE_SECONDS = 10;
const LINGER_SECONDS = 2;
/** A message of 4 MiB in fragments of 64 bytes has half as many. */
const FRAGMENTS_MAX = 131_072;
/** Pieces of a frame that have not been read: each has 16 KiB or more but for a few. */
const CHUNKS_MAX = 262_144;

const NO_PAYLOAD = Buffer.alloc(0);
/** No Close frame came, and one without a code did (RFC 6455 7.1.5). */
const CODE_ABNORMAL = 1006;
const CODE_NONE = 1005;
const CODE_GOING = 1001;

export class WebSocketLink {
  phase: Phase = PHASE.open;
  readonly stream: LinkStream;
  readonly #settings: LinkSettings;
  readonly #clock: WebSocketClock;
  readonly #owner: LinkOwner;
  readonly #receiver: Receiver;
  readonly #input: WebSocketInput;
  readonly #pingSeconds: number;
  #heardAt: number;
  #pingedAt = 0;
  /** When a peer that does not end is given up. */
  #deadline = Infinity;
  /** Of the first Close frame, whoever sent it. */
  #end: { readonly code: number; readonly reason: string } | null = null;
  /** A `send` has said -1. */
  #isBehind = false;

  constructor(
    stream: LinkStream,
    settings: LinkSettings,
    clock: WebSocketClock,
    owner: LinkOwner,
    inflater: Inflater | null,
  ) {
    this.stream = stream;
    this.#settings = settings;
    this.#clock = clock;
    this.#owner = owner;
    this.#heardAt = clock.now;
    const { idleTimeout } = settings;
    this.#pingSeconds = idleTimeout === 0
      ? PING_SECONDS
      : Math.min(PING_SECONDS, Math.max(1, Math.floor(idleTimeout / 2)));
    this.#receiver = new (wsPackage().Receiver)({
      isServer: true,
      maxPayload: settings.maxPayloadLength,
      maxFragments: FRAGMENTS_MAX,
      maxBufferedChunks: CHUNKS_MAX,
      extensions: inflater === null ? {} : { [DEFLATE]: inflater },
    });
    this.#input = new WebSocketInput(this.#receiver);
    // Not before: what it inflates at that moment would never end, and hold one of its turns.
    if (inflater !== null) finished(this.#receiver, () => inflater.cleanup());
  }

  /** Begins to read; nothing is told before it has returned. */
  start(): void {
    const { stream } = this;
    const receiver = this.#receiver;
    this.#clock.add(this);
    receiver.on("message", (data: Buffer, isBinary: boolean) => {
      if (this.phase === PHASE.open) this.#owner.message(data, isBinary);
    });
    receiver.on("ping", (data: Buffer) => this.#pinged(data));
    receiver.on("pong", (data: Buffer) => {
      if (this.phase === PHASE.open) this.#owner.onPong(data);
    });
    receiver.on("conclude", (code: number, reason: Buffer) => this.#concluded(code, reason));
    receiver.on("error", (error) => {
      this.fail(statusOf(error), reasonOf(error));
    });
    receiver.on("drain", () => stream.resume());
    // The peer's FIN, and everything before it has been read.
    receiver.on("finish", () => this.#finish());
    stream.on("error", () => {}); // `close` follows
    stream.on("drain", () => this.#drained());
    stream.on("end", () => receiver.end());
    if (stream.closed) process.nextTick(() => this.#closed());
    else stream.on("close", () => this.#closed());
    stream.on("data", (chunk: Buffer) => {
      this.#heardAt = this.#clock.now;
      if (!this.#input.take(chunk)) stream.pause();
    });
  }

  get bufferedBytes(): number {
    return this.stream.unsentBytes ?? this.stream.writableLength;
  }

  /** Nothing waits, so that what goes past the stream keeps its order. */
  get isIdle(): boolean {
    return this.phase === PHASE.open && !this.#isBehind && this.bufferedBytes === 0;
  }

  /** A whole frame; results as those of `ServerWebSocket.send`. It is kept until it is sent. */
  send(frame: Uint8Array): number {
    return this.sendAs(frame, payloadLength(frame));
  }

  /** The same of a compressed message, which counts as long as it was. */
  sendAs(frame: Uint8Array, length: number): number {
    if (this.phase !== PHASE.open || this.#isFull()) return 0;
    if (!this.#settings.sendPings) this.#heardAt = this.#clock.now;
    if (this.stream.write(frame)) return Math.max(length, 1);
    this.#isBehind = true;
    return -1;
  }

  #isFull(): boolean {
    const { backpressureLimit, closeOnBackpressureLimit } = this.#settings;
    if (backpressureLimit === 0 || this.bufferedBytes <= backpressureLimit) return false;
    if (closeOnBackpressureLimit) this.terminate();
    return true;
  }

  /** Sends a Close frame and waits for the peer's. */
  close(code: number, reason: string): void {
    if (this.phase !== PHASE.open) return;
    this.phase = PHASE.closing;
    this.#end = { code, reason };
    this.#deadline = this.#clock.now + CLOSE_SECONDS;
    this.stream.write(closeFrame(code, reason));
  }

  /** The peer has broken the protocol, or the app has failed: nothing of it is heard any more. */
  fail(code: number, reason: string): void {
    this.close(code, reason);
    this.#finish();
  }

  terminate(): void {
    if (this.phase !== PHASE.closed) this.phase = PHASE.ending;
    this.stream.destroy();
  }

  /** The clock: a second has passed. */
  tick(): void {
    const { now } = this.#clock;
    if (this.phase !== PHASE.open) {
      if (now >= this.#deadline) this.terminate();
      return;
    }
    const { idleTimeout, sendPings } = this.#settings;
    if (idleTimeout > 0 && now - this.#heardAt > idleTimeout) {
      this.fail(CODE_GOING, "idle");
      return;
    }
    if (!sendPings || now - Math.max(this.#heardAt, this.#pingedAt) < this.#pingSeconds) return;
    this.#pingedAt = now;
    this.send(frameOf(OPCODE.ping, NO_PAYLOAD, false));
  }

  #pinged(data: Buffer): void {
    if (this.phase !== PHASE.open) return;
    // Of a peer that reads nothing no more is kept than of messages.
    this.send(frameOf(OPCODE.pong, data, false));
    if (this.phase === PHASE.open) this.#owner.onPing(data);
  }

  #concluded(code: number, reason: Buffer): void {
    if (this.phase === PHASE.open) {
      this.#end = { code, reason: reason.toString() };
      this.stream.write(closeFrame(code === CODE_NONE ? 0 : code, ""));
    }
    this.#finish();
  }

  #finish(): void {
    if (this.phase >= PHASE.ending) return;
    this.phase = PHASE.ending;
    this.#input.isOver = true;
    this.#deadline = this.#clock.now + LINGER_SECONDS;
    this.stream.end();
    this.stream.resume();
  }

  #drained(): void {
    if (!this.#isBehind) return;
    this.#isBehind = false;
    if (this.phase === PHASE.open) this.#owner.drained();
  }

  #closed(): void {
    this.phase = PHASE.closed;
    this.#input.isOver = true;
    this.#clock.remove(this);
    if (!this.#receiver.writableEnded) this.#receiver.end();
    const { code, reason } = this.#end ?? { code: CODE_ABNORMAL, reason: "" };
    this.#owner.closed(code, reason);
  }
}

/** The close code for an error of the receiver (RFC 6455 7.4.1). */
function statusOf(error: Error): number {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  if (!code.startsWith("WS_ERR_")) return 1007; // zlib's: what came is no compressed data
  switch (code) {
    case "WS_ERR_INVALID_UTF8":
      return 1007;
    case "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH":
    case "WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH":
      return 1009;
    case "WS_ERR_TOO_MANY_BUFFERED_PARTS":
      return 1008;
    case "WS_ERR_INVALID_OPCODE":
      return isKnownOpcode(error.message) ? 1002 : 1003;
    default:
      return 1002;
  }
}

/** A continuation of nothing, or a message inside of another one: not an unknown kind of data. */
function isKnownOpcode(message: string): boolean {
  return /opcode [012]$/.test(message);
}

function reasonOf(error: Error): string {
  return error.message.replace(/^Invalid WebSocket frame: /, "");
}
