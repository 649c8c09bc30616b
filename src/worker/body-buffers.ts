/**
 * The buffers that native receives long bodies into. A full one is given away whole, so that its
 * bytes are never copied, and another takes its place; of the rest a piece is copied. None is made
 * before the first long body. Thread: the engine's.
 */
import type { Handle, Native } from "../native.ts";
import { BODY_BUFFER_BYTES, BODY_BUFFERS } from "../shared/layout.ts";
import { YoungGeneration } from "./young-generation.ts";

/** Whose bytes lie in a buffer. */
export interface BytesOwner {
  /** A piece, which is to be copied. */
  push(from: Uint8Array, offset: number, length: number): void;
  /** A piece that is the owner's from now on. */
  give(bytes: Uint8Array<ArrayBuffer>): void;
}

export class BodyBuffers {
  readonly #native: Native;
  readonly #handle: Handle;
  /** Held here for as long as native may write to them. */
  readonly #buffers: Buffer[] = [];
  readonly #young = new YoungGeneration();

  constructor(native: Native, handle: Handle) {
    this.#native = native;
    this.#handle = handle;
  }

  /** Native has asked for them. */
  make(): void {
    for (let index = this.#buffers.length; index < BODY_BUFFERS; index++) this.#put(index);
  }

  /** A piece lies in one of them. */
  hand(owner: BytesOwner, index: number, offset: number, length: number): void {
    const buffer = this.#buffers[index]!;
    this.#young.passed(length);
    if (length < BODY_BUFFER_BYTES) {
      owner.push(buffer, offset, length);
      return;
    }
    this.#put(index);
    owner.give(new Uint8Array(buffer.buffer as ArrayBuffer));
  }

  #put(index: number): void {
    const buffer = Buffer.allocUnsafeSlow(BODY_BUFFER_BYTES);
    this.#buffers[index] = buffer;
    this.#native.engineBodyBuffer(this.#handle, index, buffer);
  }
}
