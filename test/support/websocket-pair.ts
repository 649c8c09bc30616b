/** A link on one end of a pair of streams, and what its peer and its owner see. */
import type { Duplex } from "node:stream";
import { WebSocketClock } from "../../src/worker/websocket-clock.ts";
import {
  type LinkOwner, type LinkSettings, WebSocketLink,
} from "../../src/worker/websocket-link.ts";
import type { Inflater } from "../../src/worker/ws-package.ts";
import { until } from "./deadline.ts";
import { duplexPair } from "./duplex-pair.ts";
import { closeCode, OP, readFrames, type ReceivedFrame } from "./websocket-frames.ts";

export const LINK_SETTINGS: LinkSettings = {
  maxPayloadLength: 2 ** 24,
  backpressureLimit: 2 ** 20,
  closeOnBackpressureLimit: false,
  idleTimeout: 0,
  sendPings: false,
};

/** The peer's end of a connection that has been upgraded. */
export class WirePeer {
  readonly frames: ReceivedFrame[] = [];
  hasEnded = false;
  hasClosed = false;
  readonly stream: Duplex;
  #rest: Buffer = Buffer.alloc(0);

  constructor(stream: Duplex, received: Buffer = Buffer.alloc(0)) {
    this.stream = stream;
    stream.on("data", (chunk: Buffer) => this.#take(chunk));
    stream.on("end", () => (this.hasEnded = true));
    stream.on("close", () => (this.hasClosed = true));
    stream.on("error", () => {});
    this.#take(received);
  }

  #take(chunk: Buffer): void {
    const { frames, rest } = readFrames(Buffer.concat([this.#rest, chunk]));
    this.frames.push(...frames);
    this.#rest = Buffer.from(rest);
  }

  /** In pieces of that size; 0: whole. */
  write(bytes: Buffer, size: number = 0): void {
    if (size === 0) {
      this.stream.write(bytes);
      return;
    }
    for (let at = 0; at < bytes.length && this.stream.writable; at += size) {
      this.stream.write(bytes.subarray(at, at + size));
    }
  }

  get closeFrame(): ReceivedFrame | undefined {
    return this.frames.find(({ opcode }) => opcode === OP.close);
  }

  /** The code of the Close frame that came; null: none has. */
  get closeCode(): number | null {
    const { closeFrame } = this;
    return closeFrame === undefined ? null : closeCode(closeFrame);
  }

  /** What came but for Close frames, as text. */
  get texts(): string[] {
    const frames = this.frames.filter(({ opcode }) => opcode !== OP.close);
    return frames.map(({ payload }) => payload.toString());
  }

  async ended(): Promise<void> {
    await until("the end of the server's side", () => this.hasEnded || this.hasClosed);
  }
}

export interface LinkPair {
  readonly link: WebSocketLink;
  readonly peer: WirePeer;
  /** What the owner was told, in order. */
  readonly told: string[];
  readonly clock: WebSocketClock;
  /** The link's end. */
  readonly stream: Duplex;
}

export interface PairOptions extends Partial<LinkSettings> {
  readonly inflater?: Inflater;
  readonly highWaterMark?: number;
  /** Does what the owner of the link would. */
  readonly onMessage?: (link: WebSocketLink, data: Buffer, isBinary: boolean) => void;
}

export function linkPair(options: PairOptions = {}): LinkPair {
  const { inflater, highWaterMark, onMessage, ...settings } = options;
  const [stream, far] = duplexPair(highWaterMark);
  const clock = new WebSocketClock(1_000_000); // tests tick by hand
  const told: string[] = [];
  const owner: LinkOwner = {
    message(data, isBinary) {
      told.push(`${isBinary ? "binary" : "text"} ${data.toString()}`);
      onMessage?.(link, data, isBinary);
    },
    onPing: (data) => void told.push(`ping ${data.toString()}`),
    onPong: (data) => void told.push(`pong ${data.toString()}`),
    drained: () => void told.push("drain"),
    closed: (code, reason) => void told.push(`close ${code} ${reason}`.trimEnd()),
  };
  const all = { ...LINK_SETTINGS, ...settings };
  const link = new WebSocketLink(stream, all, clock, owner, inflater ?? null);
  link.start();
  return { link, peer: new WirePeer(far), told, clock, stream };
}

/** The clock goes on by some seconds. */
export function pass({ clock, link }: LinkPair, seconds: number): void {
  for (let i = 0; i < seconds; i++) {
    clock.now++;
    link.tick();
  }
}
