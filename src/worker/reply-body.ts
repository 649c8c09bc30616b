/**
 * The body of an answer that is written piece by piece: what the app writes waits here until the
 * pump asks for it. Each piece has a promise, which is true once the pump wants more, and false if
 * nobody will. What waits is bounded: who does not wait for the promises loses the answer.
 * Thread: the engine's.
 */
import { MillraceError } from "../shared/errors.ts";

/** What a piece takes in memory beside its bytes, roughly. */
const PIECE_BYTES = 64;
/** Pieces that are kept behind the one that is taken. */
const FREE_AFTER = 256;
const DONE: IteratorResult<Uint8Array> = { done: true, value: undefined };

interface Piece {
  readonly bytes: Uint8Array;
  readonly settle: (isTaken: boolean) => void;
}

interface Reader {
  readonly resolve: (result: IteratorResult<Uint8Array>) => void;
  readonly reject: (error: unknown) => void;
}

/** What becomes of it, in this order; only an open one is written to. */
type Stage = "open" | "ended" | "failed" | "gone";

export class ReplyBody implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array> {
  /** Each piece leaves before the next one is asked for. */
  readonly isPaced: boolean;
  /** The connection ends with it. */
  closes = false;
  readonly #bytesMax: number;
  /** The pump wants more than there is: all before it has been taken. */
  readonly #onWanted: () => void;
  #stage: Stage = "open";
  #pieces: Piece[] = [];
  #at = 0;
  #bytes = 0;
  #taken: Piece | null = null;
  #reader: Reader | null = null;
  #error: unknown;
  #onEnd: ((isTaken: boolean) => void) | null = null;
  /** Somebody has begun to read it. */
  #isRead = false;

  /** `bytesMax`: how much may wait. */
  constructor(isPaced: boolean, bytesMax: number, onWanted: () => void) {
    this.isPaced = isPaced;
    this.#bytesMax = bytesMax;
    this.#onWanted = onWanted;
  }

  /** Nobody takes what is written any more. */
  get isGone(): boolean {
    return this.#stage === "gone" || this.#stage === "failed";
  }

  /** The pump waits for a piece. */
  get isWanted(): boolean {
    return this.#reader !== null;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The bytes must not change. Resolves to true when the pump wants the piece behind it. */
  push(bytes: Uint8Array): Promise<boolean> {
    if (this.#stage !== "open") return Promise.resolve(false);
    if (bytes.length === 0) return Promise.resolve(true);
    return new Promise((settle) => {
      const reader = this.#reader;
      if (reader !== null) {
        this.#reader = null;
        this.#taken = { bytes, settle };
        reader.resolve({ done: false, value: bytes });
        return;
      }
      this.#pieces.push({ bytes, settle });
      this.#bytes += bytes.length + PIECE_BYTES;
      if (this.#bytes > this.#bytesMax) this.fail(overflow(this.#bytesMax));
    });
  }

  /** No more comes. Resolves to true when the pump has taken all. */
  end(): Promise<boolean> {
    if (this.#stage !== "open") return Promise.resolve(false);
    this.#stage = "ended";
    return new Promise((settle) => {
      this.#onEnd = settle;
      if (this.#reader !== null) this.#finish(this.#reader);
    });
  }

  /** The answer is cut: who reads is told. */
  fail(error: unknown): void {
    if (this.#stage !== "open" && this.#stage !== "ended") return;
    this.#stage = "failed";
    this.#error = error;
    this.#drop();
    const reader = this.#reader;
    this.#reader = null;
    reader?.reject(error);
  }

  /** Called by the pump, one after the other. */
  next(): Promise<IteratorResult<Uint8Array>> {
    this.#isRead = true;
    this.#taken?.settle(true);
    this.#taken = null;
    const piece = this.#shift();
    if (piece !== undefined) {
      this.#taken = piece;
      return Promise.resolve({ done: false, value: piece.bytes });
    }
    if (this.#stage === "failed") return Promise.reject(this.#error);
    return new Promise((resolve, reject) => {
      const reader = { resolve, reject };
      if (this.#stage === "open") {
        this.#reader = reader;
        this.#onWanted();
      } else {
        this.#finish(reader);
      }
    });
  }

  /** The pump: the client has gone, or the answer is cut. */
  return(): Promise<IteratorResult<Uint8Array>> {
    this.destroy();
    return Promise.resolve(DONE);
  }

  /** The request is over. Who reads it by then may go on; nobody will begin to. */
  abandon(): void {
    if (!this.#isRead) this.fail(new Error("the request was over before its answer was read"));
  }

  /** It is not sent: to HEAD, or since the connection has gone. */
  destroy(): void {
    if (this.#stage === "gone") return;
    this.#stage = "gone";
    this.#drop();
    this.#reader?.resolve(DONE);
    this.#reader = null;
  }

  #shift(): Piece | undefined {
    const piece = this.#pieces[this.#at];
    if (piece === undefined) return undefined;
    this.#bytes -= piece.bytes.length + PIECE_BYTES;
    this.#at++;
    // Now and then, so that a long queue costs no copy of it per piece.
    if (this.#at > FREE_AFTER || this.#at === this.#pieces.length) {
      this.#pieces.splice(0, this.#at);
      this.#at = 0;
    }
    return piece;
  }

  #finish(reader: Reader): void {
    this.#reader = null;
    this.#onEnd?.(this.#stage === "ended");
    this.#onEnd = null;
    reader.resolve(DONE);
  }

  #drop(): void {
    const pieces = this.#pieces.slice(this.#at);
    this.#pieces = [];
    this.#at = 0;
    this.#bytes = 0;
    this.#taken?.settle(false);
    this.#taken = null;
    for (const { settle } of pieces) settle(false);
    this.#onEnd?.(false);
    this.#onEnd = null;
  }
}

function overflow(bytesMax: number): MillraceError {
  return new MillraceError(
    "ERR_MILLRACE_REPLY_OVERFLOW",
    `more than ${bytesMax} bytes of a reply were written that nobody waited for`,
  );
}
