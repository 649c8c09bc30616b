/**
 * The body of a request that the app is called with. One that is here at once is given whole, as if
 * it had come with its head; any other piece by piece, as the app reads it. Any thread.
 */
import { HttpError } from "../shared/errors.ts";
import type { RequestBody } from "../worker/request-body.ts";

/** Read at once, so that a stream which always has more holds nobody up. */
const PIECES_MAX = 16;

type Piece = Uint8Array;
type Reader = ReadableStreamDefaultReader<Piece>;
type Read = Awaited<ReturnType<Reader["read"]>>;

export class GivenBody {
  /** All of it; null: there is more to come. */
  readonly whole: Uint8Array | null;
  readonly #reader: Reader | null;
  #next: Promise<Read> | null;
  readonly #pieces: Piece[];
  #isPaused = false;
  #onResume: (() => void) | null = null;

  private constructor(
    reader: Reader | null,
    pieces: Piece[],
    next: Promise<Read> | null,
  ) {
    this.#reader = reader;
    this.#pieces = pieces;
    this.#next = next;
    this.whole = next === null ? Buffer.concat(pieces) : null;
  }

  /** Null: there is none. Rejects if the stream has failed by now. */
  static async of(body: ReadableStream<Piece> | null): Promise<GivenBody | null> {
    if (body === null) return null;
    const reader = body.getReader();
    const pieces: Piece[] = [];
    const late = Symbol("late");
    const turn = new Promise<typeof late>((resolve) => setImmediate(resolve, late));
    for (;;) {
      const next = reader.read();
      next.catch(() => {}); // whoever waits for it is told
      const read = await Promise.race([next, turn]);
      if (read === late) return new GivenBody(reader, pieces, next);
      if (read.done) return new GivenBody(null, pieces, null);
      if (pieces.length === PIECES_MAX) {
        return new GivenBody(reader, pieces, Promise.resolve(read));
      }
      pieces.push(read.value);
    }
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#onResume?.();
    this.#onResume = null;
  }

  /** Gives the pieces as they come, until the end, or until nobody wants them. */
  async feed(body: RequestBody): Promise<void> {
    try {
      for (const piece of this.#pieces) body.push(piece, 0, piece.length);
      for (;;) {
        if (this.#isPaused) await new Promise<void>((resolve) => (this.#onResume = resolve));
        const read = await (this.#next ?? this.#reader!.read());
        this.#next = null;
        if (read.done) break;
        body.push(read.value, 0, read.value.length);
      }
      body.end();
    } catch (cause) {
      body.fail(new HttpError(400, "the body was cut short", {
        close: true, code: "ERR_MILLRACE_BODY_TRUNCATED", cause,
      }));
    }
  }

  /** The request is over: who makes the body is told. */
  stop(): void {
    this.#reader?.cancel().catch(() => {});
    this.resume();
  }
}
