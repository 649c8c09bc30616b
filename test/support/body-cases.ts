/**
 * Bodies of every kind that the fetch standard knows, and what can be done with one. Each is fresh
 * for each use, since some can be read only once.
 */
import { outcome } from "./compare.ts";

const encode = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

function form(entries: [string, string | Blob, string?][]): FormData {
  const made = new FormData();
  for (const [name, value, file] of entries) {
    if (typeof value === "string") made.append(name, value);
    else made.append(name, value, file);
  }
  return made;
}

const lockedStream = (): ReadableStream => {
  const stream = ReadableStream.from([encode("a")]);
  stream.getReader();
  return stream;
};

const readStream = (): ReadableStream => {
  const stream = ReadableStream.from([encode("a")]);
  void stream.cancel();
  return stream;
};

const erringStream = (): ReadableStream =>
  new ReadableStream({ start: (controller) => controller.error(new RangeError("no")) });

const erringLater = (): ReadableStream => {
  let pulls = 0;
  return new ReadableStream({
    pull(controller) {
      if (pulls++ === 0) controller.enqueue(encode("a"));
      else controller.error(new RangeError("no"));
    },
  });
};

const byteStream = (): ReadableStream => {
  let isFirst = true;
  return new ReadableStream({
    type: "bytes",
    pull(controller) {
      if (isFirst) controller.enqueue(encode("bytes"));
      else controller.close();
      isFirst = false;
    },
  });
};

export const BODY_CASES: Readonly<Record<string, () => unknown>> = {
  undefined: () => undefined,
  null: () => null,
  "empty text": () => "",
  text: () => "h\u00e4user",
  "text of a form": () => "a=1&b=2",
  "JSON text": () => '{"a":[1,"\u00e4"]}',
  "text with a byte order mark": () => "\ufeff[1]",
  "text with a lone surrogate": () => "a\ud800b",
  "text beyond the BMP": () => "a\u{1f600}b",
  number: () => 12,
  true: () => true,
  bigint: () => 12n,
  symbol: () => Symbol("s"),
  object: () => ({ a: 1 }),
  "object with toString": () => ({ toString: () => "[2]" }),
  "object whose toString throws": () => ({ toString: () => { throw new RangeError("no"); } }),
  "object without prototype": () => Object.create(null),
  "String object": () => new String("abc"),
  function: () => function named() {},
  array: () => ["a", "b"],
  Date: () => new Date(0).toISOString(),
  Map: () => new Map([["a", "1"]]),
  Uint8Array: () => encode("[3]"),
  "empty Uint8Array": () => new Uint8Array(0),
  Uint8ClampedArray: () => new Uint8ClampedArray([65, 66]),
  Uint16Array: () => new Uint16Array([0x4241, 0x4443]),
  Int32Array: () => new Int32Array([0x44434241]),
  Float64Array: () => new Float64Array([1.5]),
  BigInt64Array: () => new BigInt64Array([1n]),
  DataView: () => new DataView(encode("abcd").buffer, 1, 2),
  Buffer: () => Buffer.from("abc"),
  "part of a buffer": () => encode("abcdef").subarray(2, 4),
  ArrayBuffer: () => encode("abc").buffer,
  "empty ArrayBuffer": () => new ArrayBuffer(0),
  SharedArrayBuffer: () => new SharedArrayBuffer(3),
  "bytes with a byte order mark": () => new Uint8Array([0xef, 0xbb, 0xbf, 0x31]),
  "bytes that are no UTF-8": () => new Uint8Array([0x61, 0xff, 0xc3, 0x62]),
  Blob: () => new Blob(["abc"]),
  "empty Blob": () => new Blob([]),
  "Blob with type": () => new Blob(["abc"], { type: "Text/Plain; Charset=X" }),
  "Blob of a form": () => new Blob(["a=1"], { type: "application/x-www-form-urlencoded" }),
  File: () => new File(["abc"], "a.txt", { type: "text/x" }),
  URLSearchParams: () => new URLSearchParams([["a", "1"], ["b", "\u00e4 &"], ["a", "2"]]),
  "empty URLSearchParams": () => new URLSearchParams(),
  "FormData of text": () => form([["a", "1"], ["b", "x\ny\r\nz\rw"], ['q"\r\n', "\u00e4"]]),
  "FormData of files": () =>
    form([["f", new Blob(["abc"], { type: "text/x" }), 'n"\n.txt'], ["g", new Blob([""])]]),
  "empty FormData": () => form([]),
  stream: () => ReadableStream.from([encode("ab"), encode("c")]),
  "stream of nothing": () => ReadableStream.from([]),
  "stream of empty chunks": () => ReadableStream.from([encode(""), encode("a"), encode("")]),
  "stream of bytes": byteStream,
  "stream of Buffers": () => ReadableStream.from([Buffer.from("ab")]),
  "stream of text": () => ReadableStream.from(["ab"]),
  "stream of ArrayBuffers": () => ReadableStream.from([encode("ab").buffer]),
  "stream of views": () => ReadableStream.from([new Uint16Array([1])]),
  "stream of numbers": () => ReadableStream.from([1]),
  "stream of null": () => ReadableStream.from([null]),
  "stream of a cut character": () => ReadableStream.from([encode("\u00e4").subarray(0, 1)]),
  "character over two chunks": () =>
    ReadableStream.from([encode("\u00e4").subarray(0, 1), encode("\u00e4").subarray(1)]),
  "locked stream": lockedStream,
  "read stream": readStream,
  "stream that errs": erringStream,
  "stream that errs later": erringLater,
};

type Body = Request | Response;

const BOUNDARY = /----formdata-[\w-]+/g;

/** The boundary of a multipart body is random in each implementation. */
export function withoutBoundary(text: string): string {
  return text.replaceAll(BOUNDARY, "BOUNDARY");
}

async function blobSeen(blob: Blob): Promise<unknown> {
  return [withoutBoundary(blob.type), withoutBoundary(await blob.text()), blob instanceof Blob];
}

async function formSeen(read: FormData): Promise<unknown> {
  const seen: unknown[] = [read instanceof FormData];
  for (const [name, value] of read) {
    if (typeof value === "string") seen.push([name, value]);
    else seen.push([name, value.name, value.type, await value.text(), value instanceof File]);
  }
  return seen;
}

async function collected(stream: ReadableStream): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks).toString("latin1");
}

type Method = "arrayBuffer" | "blob" | "formData" | "json" | "text";
const METHODS: readonly Method[] = ["arrayBuffer", "blob", "formData", "json", "text"];

/** What is done with a body; each gets a fresh one. */
export const BODY_USES: Readonly<Record<string, (body: Body) => unknown>> = {
  type: (body) => {
    const type = body.headers.get("content-type");
    return [type && withoutBoundary(type), [...body.headers.keys()], body.body === null];
  },
  text: async (body) => withoutBoundary(await body.text()),
  json: (body) => body.json(),
  arrayBuffer: async (body) => {
    const read = await body.arrayBuffer();
    return [read instanceof ArrayBuffer, withoutBoundary(Buffer.from(read).toString("latin1"))];
  },
  blob: async (body) => await blobSeen(await body.blob()),
  formData: async (body) => await formSeen(await body.formData()),
  "body by hand": async (body) =>
    body.body === null ? null : withoutBoundary(await collected(body.body)),
  "bodyUsed before and after": async (body) => {
    const before = body.bodyUsed;
    const read = body.text();
    const during = body.bodyUsed;
    await read.catch(() => undefined);
    return [before, during, body.bodyUsed, body.body?.locked];
  },
  "each method after text": async (body) => {
    await body.text().catch(() => undefined);
    return await Promise.all(METHODS.map((method) => outcome(() => body[method]().then(() => 1))));
  },
  "each method while locked": async (body) => {
    const reader = body.body?.getReader();
    const all = await Promise.all(
      METHODS.map((method) => outcome(() => body[method]().then(() => 1))),
    );
    return [all, reader === undefined || body.bodyUsed];
  },
  "text after a reader let go": async (body) => {
    body.body?.getReader().releaseLock();
    return [body.bodyUsed, withoutBoundary(await body.text())];
  },
  "text after cancel": async (body) => {
    const cancelled = await outcome(() => body.body?.cancel());
    return [cancelled, body.bodyUsed, await outcome(() => body.text())];
  },
  "clone, both read": async (body) => {
    const clone = body.clone();
    const texts = await Promise.all([outcome(() => body.text()), outcome(() => clone.text())]);
    return [withoutBoundary(JSON.stringify(texts)), body.bodyUsed, clone.bodyUsed];
  },
  "clone, one read": async (body) => {
    const clone = body.clone();
    const text = await outcome(() => clone.text());
    return [withoutBoundary(JSON.stringify(text)), body.bodyUsed, clone.bodyUsed];
  },
  "clone of a clone": async (body) => withoutBoundary(await body.clone().clone().text()),
  "clone after text": async (body) => {
    await body.text().catch(() => undefined);
    return body.clone().bodyUsed;
  },
  "clone while locked": (body) => {
    body.body?.getReader();
    return body.clone().bodyUsed;
  },
  "clone shares no headers": (body) => {
    const clone = body.clone();
    clone.headers.set("x-a", "1");
    return [body.headers.has("x-a"), clone.headers.get("x-a")];
  },
  "clone has a stream of its own": (body) => {
    const before = body.body;
    const clone = body.clone();
    return [body.body === null, clone.body === body.body, before === null || before.locked];
  },
};
