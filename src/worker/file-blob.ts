/**
 * A file as a Blob, read when somebody asks for it: what Bun calls BunFile. As an answer's body it
 * is opened when the answer is written, and the kernel sends it without a way through JavaScript.
 * Pinned, it is a range of an open file, whose length cannot change any more. Any thread.
 */
import { createReadStream, statSync, type Stats } from "node:fs";
import { stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { HttpError } from "../shared/errors.ts";
import { changed, type OpenFile } from "./open-file.ts";
import { OpenFiles, openWithRoom } from "./open-files.ts";

/** Of answers that name a path: opened once, looked at for each answer. */
const KEPT_MAX = 64;
const opened = new OpenFiles({ max: KEPT_MAX, revalidateMs: 0, root: "" });
/** What a stream of an open file reads at a time: as much as Node's streams of files do. */
const PIECE_BYTES = 65_536;

/** Where the runtime keeps the bytes of a Blob; undefined if it calls that otherwise. */
const CONTENT = Object.getOwnPropertySymbols(new Blob([]))
  .find(({ description }) => description === "kHandle");

/** Of a Blob these are accessors too, which its type does not say. */
const Base = Blob as unknown as new (parts: []) => object;

/** Other Blobs, forms and messages take no files: the runtime would copy nothing, silently. */
const UNCOPIED: PropertyDescriptor = {
  get(): never {
    throw new TypeError("A file cannot be a part of a Blob, a File, a form or a message: " +
      "give them its bytes, as `await file(path).bytes()`");
  },
};

export class FileBlob extends Base implements Blob {
  /** The path. */
  readonly name: string;
  readonly #type: string;
  readonly #start: number;
  /** Infinity: where the file ends. */
  readonly #end: number;
  #file: OpenFile | null;

  constructor(
    path: string,
    type: string,
    start: number = 0,
    end: number = Infinity,
    file: OpenFile | null = null,
  ) {
    super([]);
    // Those that are pinned are the answers' own.
    if (file === null && CONTENT !== undefined) Object.defineProperty(this, CONTENT, UNCOPIED);
    this.name = path;
    this.#type = type;
    this.#start = start;
    this.#end = end;
    this.#file = file;
  }

  /** The bytes from `start` to before `end` of a file that is open, for an answer. */
  static pinned(file: OpenFile, start: number, end: number, type: string = ""): FileBlob {
    return new FileBlob(file.path, type, start, end, file);
  }

  /** In bytes; 0 where there is no such file. */
  get size(): number {
    const whole = this.#file === null ? this.#facts()?.size ?? 0 : this.#file.size;
    return Math.max(0, Math.min(this.#end, whole) - this.#start);
  }

  get type(): string {
    return this.#type;
  }

  /** In milliseconds since 1970; 0 where there is no such file. */
  get lastModified(): number {
    return Math.floor(this.#facts()?.mtimeMs ?? 0);
  }

  async exists(): Promise<boolean> {
    try {
      return (await stat(this.name)).isFile();
    } catch {
      return false;
    }
  }

  slice(start: number = 0, end: number = Infinity, type: string = this.#type): FileBlob {
    const length = start < 0 || end < 0 ? this.size : Infinity;
    const from = this.#start + (start < 0 ? Math.max(0, length + start) : start);
    const to = this.#start + (end < 0 ? Math.max(0, length + end) : end);
    return new FileBlob(this.name, type, from, Math.max(from, Math.min(to, this.#end)), this.#file);
  }

  stream(): ReturnType<Blob["stream"]> {
    const isEmpty = this.#end <= this.#start || (this.#file !== null && this.size === 0);
    if (isEmpty) return new Blob([]).stream();
    if (this.#file !== null) return this.#read(this.#file);
    const source = createReadStream(this.name, { start: this.#start, end: this.#end - 1 });
    return Readable.toWeb(source);
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return (await this.bytes()).buffer;
  }

  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.stream()) chunks.push(chunk);
    return new Uint8Array(Buffer.concat(chunks));
  }

  async text(): Promise<string> {
    return new TextDecoder().decode(await this.arrayBuffer());
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text()) as unknown;
  }

  /** The same, of the file as it is now. Throws an HttpError with 404 where there is none. */
  pin(): FileBlob {
    if (this.#file !== null) return this;
    const file = opened.find(this.name);
    if (typeof file === "string") {
      throw new HttpError(404, "not found", { cause: new Error(`${file}: ${this.name}`) });
    }
    const end = Math.min(this.#end, file.size);
    return FileBlob.pinned(file, Math.min(this.#start, end), end, this.#type);
  }

  /** Where native is to send from. Throws ERR_MILLRACE_FILE_CHANGED. */
  toSend(): { readonly file: OpenFile; readonly offset: number; readonly length: number } {
    return { file: this.#current(this.#file!), offset: this.#start, length: this.size };
  }

  /** The open file, whatever its path names by now. */
  #current(pinned: OpenFile): OpenFile {
    if (pinned.isOpen) return pinned;
    // It was closed to make room for others since the answer was made.
    const again = openWithRoom(this.name);
    if (!again.isSame(pinned)) {
      again.close();
      throw changed(this.name);
    }
    this.#file = again; // closed with the last that holds it
    return again;
  }

  /** The pinned bytes, read when they are asked for: never more than a piece is in memory. */
  #read(pinned: OpenFile): ReadableStream<Uint8Array<ArrayBuffer>> {
    const end = this.#start + this.size;
    let at = this.#start;
    let file: OpenFile | null = null;
    const hold = (): OpenFile => {
      file = this.#current(pinned);
      file.hold();
      return file;
    };
    const release = (): void => {
      file?.release();
      file = null;
    };
    // Now, so that who replaces the file meanwhile does not break it off.
    if (pinned.isOpen) hold();
    return new ReadableStream({
      pull: (controller) => {
        try {
          const piece = (file ?? hold()).read(at, Math.min(PIECE_BYTES, end - at));
          at += piece.length;
          controller.enqueue(piece as Uint8Array<ArrayBuffer>);
        } catch (error) {
          release();
          throw error;
        }
        if (at < end) return;
        release();
        controller.close();
      },
      cancel: release,
    }, { highWaterMark: 0 });
  }

  /** Undefined for whatever reason it has none: who sends it is told by `pin`. */
  #facts(): Stats | undefined {
    try {
      return statSync(this.name, { throwIfNoEntry: false });
    } catch {
      return undefined;
    }
  }
}
