/**
 * A client that sends exact bytes and reads exact bytes, over TCP or a Unix socket. Each wait has a
 * limit, and the error of one that is over shows what had arrived.
 */
import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { DEADLINE_MS, within } from "./deadline.ts";
import { parseResponse } from "./raw-response.ts";
import type { RawResponse } from "./raw-response.ts";

export interface RawTarget {
  readonly port?: number | undefined;
  readonly host?: string | undefined;
  /** The address to connect from. */
  readonly from?: string | undefined;
  /** The path of a Unix socket. */
  readonly path?: string | undefined;
  /** The limit of each wait. */
  readonly timeoutMs?: number | undefined;
}

export class RawClient {
  readonly socket: Socket;
  readonly #timeoutMs: number;
  /** What has arrived and was not taken yet: a part of a store with room behind it. */
  #received: Buffer = Buffer.alloc(0);
  #store: Buffer = this.#received;
  #start = 0;
  #state: "open" | "ended" | "reset" = "open";
  #error: Error | undefined;
  #changed: () => void = () => undefined;

  /** Use `connectRaw`. The socket must be connected. */
  constructor(socket: Socket, timeoutMs: number) {
    this.socket = socket;
    this.#timeoutMs = timeoutMs;
    socket.on("data", (data: Buffer) => {
      this.#append(data);
      this.#changed();
    });
    socket.on("end", () => this.#onEnd("ended"));
    socket.on("error", (error) => {
      this.#error = error;
      this.#onEnd("reset");
    });
    socket.on("close", () => this.#onEnd("ended"));
  }

  /** How the server's side stands: `ended` by FIN, `reset` by an error. */
  get state(): "open" | "ended" | "reset" {
    return this.#state;
  }

  /** What has arrived and was not read yet, as text. */
  get pending(): string {
    return this.#received.toString("latin1");
  }

  write(bytes: string | Uint8Array): void {
    this.socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
  }

  /** Sends each byte in a segment of its own; a turn of the loop lies between two of them. */
  async writeSlowly(bytes: string | Uint8Array): Promise<void> {
    const all = typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes;
    this.socket.setNoDelay(true);
    for (let index = 0; index < all.length && this.#state !== "reset"; index++) {
      this.socket.write(all.subarray(index, index + 1));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Sends FIN; reading goes on. */
  end(): void {
    this.socket.end();
  }

  /** Sends a reset. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  close(): void {
    this.socket.destroy();
  }

  /** Stops taking bytes from the kernel, as a stalled reader does. */
  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** Exactly `count` bytes. */
  async read(count: number): Promise<Buffer> {
    await this.#until(() => this.#received.length >= count, `${count} bytes`);
    return this.#take(count);
  }

  /** Everything up to and including `mark`. */
  async readUntil(mark: string): Promise<string> {
    const find = (): number => this.#received.indexOf(mark, 0, "latin1");
    await this.#until(() => find() >= 0, JSON.stringify(mark));
    return this.#take(find() + mark.length).toString("latin1");
  }

  /** One whole response; `method` says which request it answers, since HEAD's has no body. */
  async response(method: string = "GET"): Promise<RawResponse> {
    let parsed: RawResponse | undefined;
    await this.#until(() => {
      parsed = parseResponse(this.#received, method, this.#state !== "open");
      return parsed !== undefined;
    }, "a response");
    if (parsed === undefined) throw new Error("no response");
    this.#take(parsed.length);
    return parsed;
  }

  /** All bytes until the server's FIN. A reset is an error. */
  async readToEnd(): Promise<string> {
    await this.#until(() => this.#state === "ended", "the end of the connection");
    return this.#take(this.#received.length).toString("latin1");
  }

  /** Sends one request and reads its response. */
  async request(bytes: string | Uint8Array, method?: string): Promise<RawResponse> {
    this.write(bytes);
    const first = typeof bytes === "string" ? bytes : Buffer.from(bytes).toString("latin1");
    return await this.response(method ?? first.slice(0, first.indexOf(" ")));
  }

  /** Copies what was there only when the store doubles: a reader of much must keep up. */
  #append(data: Buffer): void {
    const length = this.#received.length + data.length;
    if (this.#start + length > this.#store.length) {
      this.#store = Buffer.allocUnsafe(2 * length);
      this.#received.copy(this.#store);
      this.#start = 0;
    }
    data.copy(this.#store, this.#start + this.#received.length);
    this.#received = this.#store.subarray(this.#start, this.#start + length);
  }

  /** Nothing is written again where what is taken lies. */
  #take(count: number): Buffer {
    const taken = this.#received.subarray(0, count);
    this.#received = this.#received.subarray(count);
    this.#start += taken.length;
    return taken;
  }

  #onEnd(state: "ended" | "reset"): void {
    if (this.#state === "open") this.#state = state;
    this.#changed();
  }

  async #until(holds: () => boolean, what: string): Promise<void> {
    const waited = new Promise<void>((resolve, reject) => {
      this.#changed = () => {
        try {
          if (holds()) resolve();
          else if (this.#state !== "open") reject(this.#failure(what));
        } catch (error) {
          reject(error);
        }
      };
      this.#changed();
    });
    try {
      await within(() => `${what}; received: ${this.#shown()}`, waited, this.#timeoutMs);
    } finally {
      this.#changed = () => undefined;
    }
  }

  #failure(what: string): Error {
    const how = this.#state === "reset" ? `failed (${this.#error?.message ?? "reset"})` : "ended";
    return new Error(`the connection ${how} before ${what} came; received: ${this.#shown()}`);
  }

  #shown(): string {
    const text = JSON.stringify(this.pending);
    return text.length > 600 ? `${text.slice(0, 600)}... (${this.#received.length} bytes)` : text;
  }
}

export async function connectRaw(target: RawTarget): Promise<RawClient> {
  const socket = target.path === undefined
    ? connect({
      port: target.port ?? 0,
      host: target.host ?? "127.0.0.1",
      ...(target.from !== undefined && { localAddress: target.from }),
      allowHalfOpen: true,
    })
    : connect({ path: target.path, allowHalfOpen: true });
  const where = target.path ?? `${target.host ?? "127.0.0.1"}:${target.port}`;
  const timeoutMs = target.timeoutMs ?? DEADLINE_MS;
  try {
    await within(`a connection to ${where}`, once(socket, "connect"), timeoutMs);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  socket.setNoDelay(true);
  return new RawClient(socket, timeoutMs);
}

/** Connects, sends the bytes, reads to the end of the connection. */
export async function exchange(target: RawTarget, bytes: string | Uint8Array): Promise<string> {
  const client = await connectRaw(target);
  try {
    client.write(bytes);
    return await client.readToEnd();
  } finally {
    client.close();
  }
}
