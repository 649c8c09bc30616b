/** The record of a request: where its parts lie, and what is refused before anybody is asked. */
import t from "tap";
import { type RequestHead, RequestRecord } from "../../src/create-fetch/request-record.ts";
import {
  EVENT_BODY_LENGTH, EVENT_BODY_OFFSET, EVENT_FLAGS, EVENT_HEADER_COUNT, EVENT_TABLE_OFFSET,
  EVENT_TARGET_LENGTHS, EVENT_TARGET_OFFSET, EVENT_WORDS, FLAG_BODY_COMPLETE, FLAG_CHUNKED,
  FLAG_HAS_BODY, FLAG_HEAD, FLAG_KEEP_ALIVE, HEADER_BYTES,
} from "../../src/shared/layout.ts";
import { DEFAULT_SETTINGS } from "../support/default-settings.ts";

const headOf = (given: Partial<RequestHead>): RequestHead => ({
  method: "GET", url: new URL("http://mill.example/"), headers: new Headers(), body: null, ...given,
});

function written(head: RequestHead): { slab: Buffer; events: Int32Array; numbers: Float64Array } {
  const words = new ArrayBuffer(EVENT_WORDS * 4);
  const events = new Int32Array(words).fill(-7);
  const numbers = new Float64Array(words);
  const place = { slot: 1, generation: 2, listener: 0 };
  const slab = new RequestRecord(head).write(events, numbers, place);
  return { slab, events, numbers };
}

void t.test("target, fields and body lie where the words say", (t) => {
  const { slab, events } = written(headOf({
    method: "PUT",
    url: new URL("http://mill.example:81/a/b?c=d#e"),
    headers: new Headers({ "x-a": "\u00e9", connection: "close", "content-length": "99" }),
    body: Buffer.from("body"),
  }));
  const at = events[EVENT_TARGET_OFFSET]!;
  const lengths = events[EVENT_TARGET_LENGTHS]!;
  t.equal(slab.toString("latin1", at, at + (lengths & 0xffff)), "/a/b?c=d");
  t.equal(lengths >>> 16, 4);
  const fields: string[] = [];
  for (let i = 0; i < events[EVENT_HEADER_COUNT]!; i++) {
    const row = events[EVENT_TABLE_OFFSET]! + i * HEADER_BYTES;
    for (const from of [row, row + 4]) {
      const start = slab.readUInt16LE(from);
      fields.push(slab.toString("latin1", start, start + slab.readUInt16LE(from + 2)));
    }
  }
  t.same(fields, ["host", "mill.example:81", "x-a", "\u00e9", "content-length", "4"]);
  const body = events[EVENT_BODY_OFFSET]!;
  t.equal(slab.toString("latin1", body, body + events[EVENT_BODY_LENGTH]!), "body");
  t.equal(events[EVENT_FLAGS]! & FLAG_KEEP_ALIVE, 0);
  t.end();
});

void t.test("the flags say what body there is", (t) => {
  const flags = (head: Partial<RequestHead>): number => written(headOf(head)).events[EVENT_FLAGS]!;
  t.equal(flags({}), 0);
  t.equal(flags({ method: "HEAD" }), FLAG_HEAD);
  t.equal(flags({ method: "POST" }), FLAG_HAS_BODY | FLAG_BODY_COMPLETE);
  t.equal(flags({ method: "POST", body: "stream" }), FLAG_HAS_BODY | FLAG_CHUNKED);
  const { numbers } = written(headOf({ method: "POST", body: "stream" }));
  t.equal(numbers[EVENT_BODY_OFFSET >> 1], -1);
  t.end();
});

void t.test("the limits of a head are those of a listener, to the byte", (t) => {
  const refused = (head: Partial<RequestHead>, settings = {}): number | undefined => (
    new RequestRecord(headOf(head)).refusal({ ...DEFAULT_SETTINGS, ...settings }, 7)?.status
  );
  const url = new URL(`http://h/${"a".repeat(99)}`);
  t.equal(refused({ url }, { targetBytesMax: 100 }), undefined);
  t.equal(refused({ url }, { targetBytesMax: 99 }), 414);
  t.equal(refused({ method: "NONE" }), 501);
  t.equal(refused({ method: "GET" }, { methods: ["POST"] }), 501);
  const headers = new Headers({ a: "1", b: "2" });
  t.equal(refused({ headers }, { headersMax: 3 }), undefined);
  t.equal(refused({ headers }, { headersMax: 2 }), 431);
  const head = "GET / HTTP/1.1\r\nhost: mill.example\r\na: 1\r\nb: 2\r\n\r\n";
  t.equal(refused({ headers }, { headBytesMax: head.length }), undefined);
  t.equal(refused({ headers }, { headBytesMax: head.length - 1 }), 431);
  t.equal(refused({ body: Buffer.alloc(7) }), undefined);
  t.equal(refused({ body: Buffer.alloc(8) }), 413);
  t.equal(refused({ body: "stream" }), undefined);
  t.end();
});
