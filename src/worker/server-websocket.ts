/**
 * A WebSocket as the app has it: Bun's interface on a link, and the app's handlers for what the
 * link tells. What a handler throws ends its socket with 1011 and nothing else.
 * Thread: the engine's.
 */
import type { Log } from "../shared/log.ts";
import type {
  ServerWebSocket, WebSocketBinaryType, WebSocketBytes, WebSocketData,
} from "../shared/websockets.ts";
import type { WebSocketClock } from "./websocket-clock.ts";
import { type DeflateLink, deflatedFrame } from "./websocket-deflate.ts";
import {
  bytesOf, CONTROL_BYTES_MAX, dataFrame, frameOf, isReasonShort, isSendableCode, OPCODE,
  type Opcode, textFrame,
} from "./websocket-frames.ts";
import { type LinkOwner, type LinkStream, PHASE, WebSocketLink } from "./websocket-link.ts";
import type { WebSocketMember } from "./websocket-options.ts";

/** What a socket asks of the topics of its worker. */
export interface SocketTopics {
  subscribe(subscriber: ServerSocket, topic: string): void;
  unsubscribe(subscriber: ServerSocket, topic: string): void;
  /** Of all its topics. */
  leave(subscriber: ServerSocket): void;
  publish(topic: string, data: WebSocketData, compress: boolean, except?: ServerSocket): number;
}

/** What all sockets of an app have in common. */
export interface SocketSite {
  readonly member: WebSocketMember;
  readonly clock: WebSocketClock;
  readonly topics: SocketTopics;
  readonly log: Log;
}

type Socket = ServerWebSocket<unknown>;

const CODE_NORMAL = 1000;
const CODE_FAILED = 1011;
const NO_DATA = new Uint8Array(0);

export class ServerSocket implements ServerWebSocket<unknown>, LinkOwner {
  data: unknown;
  binaryType: WebSocketBinaryType = "nodebuffer";
  /** Only the worker's topics write it. */
  readonly topics: Set<string> = new Set();
  readonly remoteAddress: string;
  readonly #site: SocketSite;
  readonly #link: WebSocketLink;
  readonly #deflate: DeflateLink | null;
  #onClosed: (() => void) | null = null;

  constructor(
    site: SocketSite,
    stream: LinkStream,
    remoteAddress: string,
    data: unknown,
    deflate: DeflateLink | null,
  ) {
    const { member, clock } = site;
    this.data = data;
    this.remoteAddress = remoteAddress;
    this.#site = site;
    this.#deflate = deflate;
    const inflater = deflate?.inflater ?? null;
    this.#link = new WebSocketLink(stream, member.options, clock, this, inflater);
  }

  /** Begins to read and calls the app's `open`; resolves when the connection has closed. */
  run(): Promise<void> {
    const { handlers } = this.#site.member;
    const closed = new Promise<void>((resolve) => {
      this.#onClosed = resolve;
    });
    this.#link.start();
    if (handlers.open !== undefined) this.#call(handlers.open, undefined);
    return closed;
  }

  get readyState(): 1 | 2 | 3 {
    const { phase } = this.#link;
    return phase === PHASE.open ? 1 : phase === PHASE.closed ? 3 : 2;
  }

  send(data: WebSocketData, compress: boolean = false): number {
    if (typeof data === "string") return this.#sendMessage(OPCODE.text, data, compress);
    return this.#sendMessage(OPCODE.binary, bytesOf(data), compress);
  }

  sendText(text: string, compress: boolean = false): number {
    return this.#sendMessage(OPCODE.text, textOnly(text), compress);
  }

  sendBinary(bytes: WebSocketBytes, compress: boolean = false): number {
    return this.#sendMessage(OPCODE.binary, bytesOf(bytes), compress);
  }

  #sendMessage(opcode: Opcode, data: string | Uint8Array, compress: boolean): number {
    const link = this.#link;
    if (link.phase !== PHASE.open) return 0;
    const compressor = compress ? this.#deflate?.compressor : undefined;
    if (compressor) {
      const payload = typeof data === "string" ? Buffer.from(data) : data;
      const frame = deflatedFrame(opcode, payload, compressor);
      if (frame !== null) return link.sendAs(frame, payload.length);
    }
    return link.send(
      typeof data === "string" ? textFrame(opcode, data) : frameOf(opcode, data, false),
    );
  }

  ping(data: WebSocketData = NO_DATA): number {
    return this.#control(OPCODE.ping, data);
  }

  pong(data: WebSocketData = NO_DATA): number {
    return this.#control(OPCODE.pong, data);
  }

  #control(opcode: Opcode, data: WebSocketData): number {
    const frame = dataFrame(opcode, data);
    if (frame.length > CONTROL_BYTES_MAX + 2) {
      throw new RangeError(`A ping or pong has at most ${CONTROL_BYTES_MAX} bytes`);
    }
    return this.#link.send(frame);
  }

  close(code: number = CODE_NORMAL, reason: string = ""): void {
    if (!isSendableCode(code)) throw new RangeError(`${code} is no close code that may be sent`);
    if (!isReasonShort(reason)) throw new RangeError("The reason of a close has 123 bytes at most");
    this.#link.close(code, reason);
  }

  terminate(): void {
    this.#link.terminate();
  }

  subscribe(topic: string): boolean {
    if (this.#link.phase !== PHASE.open) return false;
    this.#site.topics.subscribe(this, textOnly(topic));
    return true;
  }

  unsubscribe(topic: string): boolean {
    if (!this.topics.has(topic)) return false;
    this.#site.topics.unsubscribe(this, topic);
    return true;
  }

  isSubscribed(topic: string): boolean {
    return this.topics.has(topic);
  }

  get subscriptions(): string[] {
    return [...this.topics];
  }

  publish(topic: string, data: WebSocketData, compress: boolean = false): number {
    const sent = typeof data === "string" ? data : bytesOf(data);
    if (this.#link.phase !== PHASE.open) return 0;
    const { topics, member } = this.#site;
    const except = member.options.publishToSelf ? undefined : this;
    return topics.publish(textOnly(topic), sent, compress, except);
  }

  publishText(topic: string, text: string, compress?: boolean): number {
    return this.publish(topic, textOnly(text), compress);
  }

  publishBinary(topic: string, bytes: WebSocketBytes, compress?: boolean): number {
    return this.publish(topic, bytesOf(bytes), compress);
  }

  cork<Result>(callback: (socket: ServerWebSocket<unknown>) => Result): Result {
    const { stream } = this.#link;
    stream.cork();
    try {
      return callback(this);
    } finally {
      stream.uncork();
    }
  }

  getBufferedAmount(): number {
    return this.#link.bufferedBytes;
  }

  // For the topics of the worker.

  /** Of an upgraded connection; of any other the topics would get no further than `frameKind`. */
  get stream(): LinkStream {
    return this.#link.stream;
  }

  /** A message of a topic, in its order with what is sent otherwise. */
  sendPublished(data: string | Uint8Array, compress: boolean): void {
    this.send(data, compress);
  }

  /**
   * How a message of a topic can be written to `stream` at once: -1 not at all, 0 in a plain frame,
   * else in one that was deflated by itself with a window of so many bits.
   */
  frameKind(compress: boolean): number {
    if (!this.#link.isIdle) return -1;
    return compress ? (this.#deflate?.compressor?.windowBits ?? 0) : 0;
  }

  /** Its listener stops, or the app has failed it. */
  end(code: number, reason: string): void {
    this.#link.close(code, reason);
  }

  // Of the link.

  message(data: Buffer, isBinary: boolean): void {
    const { message } = this.#site.member.handlers;
    if (message === undefined) return;
    this.#call(message, isBinary ? this.#shown(data) : data.toString());
  }

  onPing(data: Buffer): void {
    const { ping } = this.#site.member.handlers;
    if (ping !== undefined) this.#call(ping, this.#shown(data));
  }

  onPong(data: Buffer): void {
    const { pong } = this.#site.member.handlers;
    if (pong !== undefined) this.#call(pong, this.#shown(data));
  }

  drained(): void {
    const { drain } = this.#site.member.handlers;
    if (drain !== undefined) this.#call(drain, undefined);
  }

  closed(code: number, reason: string): void {
    const { close } = this.#site.member.handlers;
    if (this.topics.size > 0) this.#site.topics.leave(this);
    if (close !== undefined) this.#call((socket) => close(socket, code, reason), undefined);
    this.#onClosed?.();
  }

  /** In memory of its own: what came lies among other bytes. */
  #shown(data: Buffer): Buffer {
    const own = new Uint8Array(data);
    switch (this.binaryType) {
      case "arraybuffer":
        return own.buffer as unknown as Buffer;
      case "uint8array":
        return own as Buffer;
      case "blob":
        return new Blob([own]) as unknown as Buffer;
      case "nodebuffer":
        return Buffer.from(own.buffer);
    }
  }

  #call<Argument>(
    handler: (socket: Socket, argument: Argument) => void | Promise<void>,
    argument: Argument,
  ): void {
    let result: unknown;
    try {
      result = handler(this, argument);
      if (typeof (result as PromiseLike<unknown> | undefined)?.then !== "function") return;
    } catch (error) {
      this.#failed(error);
      return;
    }
    Promise.resolve(result).catch((error: unknown) => this.#failed(error));
  }

  #failed(error: unknown): void {
    const { error: handler } = this.#site.member.handlers;
    if (handler === undefined) this.#report(error);
    else void this.#tell(handler, error);
    this.#link.fail(CODE_FAILED, "internal error");
  }

  async #tell(handler: (socket: Socket, error: unknown) => unknown, error: unknown): Promise<void> {
    try {
      await handler(this, error);
    } catch (another) {
      this.#report(another);
    }
  }

  #report(error: unknown): void {
    this.#site.log.error({ err: error }, "a handler of a WebSocket failed");
  }
}

function textOnly(text: unknown): string {
  if (typeof text === "string") return text;
  throw new TypeError(`A string is needed here, not ${text === null ? "null" : typeof text}`);
}
