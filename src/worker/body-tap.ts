/**
 * Listens to a body that goes by: keeps how it begins, counts the rest, and tells once when it has
 * ended or was given up. Any thread.
 */
import { chunkBytes, discard, type ResponseBody } from "./body.ts";
import { iteratorOf } from "./pump.ts";

export interface TappedBytes {
  /** How it begins. */
  readonly text: string;
  readonly bytes: number;
  /** All of it has come by. */
  readonly isComplete: boolean;
}

export class BodyTap {
  readonly #bytesMax: number;
  readonly #tell: (tapped: TappedBytes) => void;
  #kept: Buffer[] = [];
  #keptBytes = 0;
  #bytes = 0;
  #isOver = false;

  constructor(bytesMax: number, tell: (tapped: TappedBytes) => void) {
    this.#bytesMax = bytesMax;
    this.#tell = tell;
  }

  piece(bytes: Uint8Array): void {
    this.#bytes += bytes.length;
    const room = this.#bytesMax - this.#keptBytes;
    if (room <= 0 || bytes.length === 0) return;
    const kept = Buffer.from(bytes.subarray(0, room)); // a copy: the piece is somebody's
    this.#kept.push(kept);
    this.#keptBytes += kept.length;
  }

  /** `bytes`: how many there are, if not all of them have gone by here. */
  end(isComplete: boolean, bytes: number = this.#bytes): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const text = Buffer.concat(this.#kept).toString("utf8");
    this.#kept = [];
    this.#tell({ text, bytes, isComplete });
  }
}

type Source = Exclude<ResponseBody, null | string | Uint8Array>;

/** A body of an answer, as it is but for the tap that its pieces go by. */
export class TappedBody implements AsyncIterable<unknown> {
  readonly #source: Source;
  readonly #tap: BodyTap;

  constructor(source: Source, tap: BodyTap) {
    this.#source = source;
    this.#tap = tap;
  }

  [Symbol.asyncIterator](): AsyncIterator<unknown> {
    const source = iteratorOf(this.#source);
    const tap = this.#tap;
    return {
      next: async () => {
        try {
          const result = await source.next();
          if (result.done === true) tap.end(true);
          else pass(tap, result.value);
          return result;
        } catch (error) {
          tap.end(false);
          throw error;
        }
      },
      return: async () => {
        tap.end(false);
        await source.return?.();
        return { done: true, value: undefined };
      },
    };
  }

  /** Nobody wants it. */
  destroy(): void {
    this.#tap.end(false);
    discard(this.#source);
  }
}

/** What is no chunk is refused where the body is sent. */
function pass(tap: BodyTap, chunk: unknown): void {
  try {
    tap.piece(chunkBytes(chunk));
  } catch {
    tap.end(false);
  }
}
