/**
 * Files of a form on their way to the disk: each streams to a file of its own in a folder that
 * nobody else may read, and the folder goes when it is over with them. Any thread.
 */
import { randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdtemp, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { HttpError } from "../shared/errors.ts";
import { writeFailure } from "./write-failure.ts";

/** A file that has come whole. */
export interface UploadedFile {
  /** The field of the form. */
  readonly field: string;
  /** As the client calls it, without a path: any text, so never a path of yours. */
  readonly name: string;
  /** As the client says. */
  readonly type: string;
  readonly size: number;
  /** Where it lies until the handler has settled, or the connection has closed. */
  readonly path: string;
  /** Moves it to stay; within one file system. */
  keep(path: string): Promise<void>;
}

export class FormFiles {
  readonly #parent: string;
  readonly #bytesMax: number;
  #folder: Promise<string> | null = null;
  #removed: Promise<void> | null = null;

  constructor(parent: string, bytesMax: number) {
    this.#parent = parent;
    this.#bytesMax = bytesMax;
  }

  /** Resolves when the whole file has been written. Rejects with 413 or 507. */
  async store(
    source: Readable,
    { field, name, type }: Pick<UploadedFile, "field" | "name" | "type">,
  ): Promise<UploadedFile> {
    this.#folder ??= mkdtemp(join(this.#parent, "millrace-form-"));
    const path = join(await this.#folder, randomUUID());
    // A pipeline from what was destroyed before it began would wait for ever.
    if (source.destroyed) throw new Error("the form has ended before its file");
    const meter = new Meter(this.#bytesMax, name);
    try {
      await pipeline(source, meter, createWriteStream(path, { flags: "wx", mode: 0o600 }));
    } catch (cause) {
      throw writeFailure(cause);
    }
    const keep = (to: string): Promise<void> => rename(path, to);
    return { field, name, type, size: meter.bytes, path, keep };
  }

  /** What was kept has moved; the rest goes, once. Not while something is being stored. */
  remove(): Promise<void> {
    return (this.#removed ??= this.#remove());
  }

  async #remove(): Promise<void> {
    if (this.#folder === null) return;
    const folder = await this.#folder.catch(() => null);
    if (folder !== null) await rm(folder, { recursive: true, force: true });
  }
}

/** Counts, and ends what is too long with 413. */
class Meter extends Transform {
  bytes = 0;
  readonly #bytesMax: number;
  readonly #name: string;

  constructor(bytesMax: number, name: string) {
    super();
    this.#bytesMax = bytesMax;
    this.#name = name;
  }

  override _transform(
    chunk: Buffer,
    _encoding: BufferEncoding,
    done: (error: Error | null, chunk?: Buffer) => void,
  ): void {
    this.bytes += chunk.length;
    if (this.bytes <= this.#bytesMax) {
      done(null, chunk);
      return;
    }
    const text = `The file "${this.#name}" is longer than ${this.#bytesMax} bytes`;
    done(new HttpError(413, text));
  }
}
