/**
 * A body of several pieces, some of which are ranges of open files: what an answer with several
 * ranges is made of. Native sends the files; for all others it is a body like any other, which can
 * be read any number of times, a piece of the file after the other.
 * Thread: the engine's.
 */
import { FileBlob } from "./file-blob.ts";

export type FilePart = Uint8Array | FileBlob;

export class FileParts implements AsyncIterable<Uint8Array> {
  readonly parts: readonly FilePart[];

  constructor(parts: readonly FilePart[]) {
    this.parts = parts;
  }

  /** In bytes. */
  get length(): number {
    return this.parts.reduce((sum, part) => sum + sizeOf(part), 0);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (const part of this.parts) {
      if (!(part instanceof FileBlob)) yield part;
      else for await (const chunk of part.stream()) yield chunk;
    }
  }
}

function sizeOf(part: FilePart): number {
  return part instanceof FileBlob ? part.size : part.length;
}

/** The pieces as they are, for who can send files. */
export function partsOf(source: FileBlob | FileParts): readonly FilePart[] {
  return source instanceof FileParts ? source.parts : [source];
}
