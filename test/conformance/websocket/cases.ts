/**
 * What a peer may send and what it gets, against a server that echoes messages: as the cases of
 * Autobahn, one row each. The table says bytes and outcome, nothing of how they are sent.
 */
import { binary, close, frame, more, OP, text } from "../../support/websocket-frames.ts";
import { compressedCases } from "./compressed-cases.ts";
import { utf8Cases } from "./utf8-cases.ts";

export interface WireCase {
  readonly name: string;
  readonly bytes: Buffer;
  /** What comes back but for the Close frame: opcode and payload. */
  readonly answers: readonly (readonly [opcode: number, payload: Buffer])[];
  /** Of the server's Close frame. Null: none comes, and the peer closes with 1000. */
  readonly code: number | null;
  /** The peer has offered permessage-deflate. */
  readonly isDeflated?: boolean;
}

/** Bytes of a message that the server takes. */
export const PAYLOAD_MAX = 100_000;

type Answers = WireCase["answers"];

export function wireCase(
  name: string,
  frames: readonly Buffer[],
  answers: Answers,
  code: number | null = null,
): WireCase {
  return { name, bytes: Buffer.concat(frames), answers, code };
}

export const echoed = (payload: string): Answers[number] => [OP.text, Buffer.from(payload)];
const same = (payload: Buffer): Answers[number] => [OP.binary, payload];
const pong = (payload: string): Answers[number] => [OP.pong, Buffer.from(payload)];
const ping = (payload: string): Buffer => frame({ opcode: OP.ping, payload });
const part = (payload: string): Buffer => text(payload, { fin: false });
const morePart = (payload: string): Buffer => more(payload, { fin: false });

const LENGTHS = [0, 1, 125, 126, 127, 128, 65_535, 65_536, PAYLOAD_MAX];

const lengths = LENGTHS.flatMap((length) => {
  const payload = Buffer.alloc(length, "*");
  return [
    wireCase(`text of ${length}`, [text(payload)], [echoed(payload.toString())]),
    wireCase(`bytes of ${length}`, [binary(payload)], [same(payload)]),
  ];
});

const masks = ([[0, 0, 0, 0], [1, 1, 1, 1], [255, 0, 255, 0], [0, 0, 0, 9]] as const).map((mask) =>
  wireCase(`mask ${mask.join(" ")}`, [text("masked", { mask })], [echoed("masked")]));

const unmasked = [OP.text, OP.ping, OP.close].map((opcode) =>
  wireCase(`unmasked ${opcode}`, [frame({ opcode, mask: null }), text("x")], [], 1002));

const pings = [
  wireCase("an empty ping", [ping("")], [pong("")]),
  wireCase("a ping of 125", [ping("p".repeat(125))], [pong("p".repeat(125))]),
  wireCase("a ping of 126", [ping("p".repeat(126))], [], 1002),
  wireCase("a pong that nobody asked for", [frame({ opcode: OP.pong, payload: "x" })], []),
  wireCase("a pong of 126", [frame({ opcode: OP.pong, payload: "p".repeat(126) })], [], 1002),
  wireCase(
    "ten pings", Array.from({ length: 10 }, (_, at) => ping(`${at}`)),
    Array.from({ length: 10 }, (_, at) => pong(`${at}`)),
  ),
];

const reservedBits = [0x10, 0x20, 0x30, 0x40, 0x50, 0x70].flatMap((reserved) =>
  [OP.text, OP.binary, OP.ping, OP.pong, OP.close].map((opcode) => wireCase(
    `reserved bits ${reserved.toString(16)} of ${opcode}`,
    [text("before"), frame({ opcode, reserved }), ping("never answered")], [echoed("before")], 1002,
  )));

const reservedOpcodes = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) => wireCase(
  `opcode ${opcode}`,
  [text("before"), frame({ opcode, payload: "x" }), ping("never answered")], [echoed("before")],
  1003,
));

const fragments = [
  wireCase("two parts", [part("one "), more("two")], [echoed("one two")]),
  wireCase("bytes in parts", [
    binary(Buffer.from([1]), { fin: false }), morePart("a"), more("b"),
  ], [same(Buffer.from("\x01ab"))]),
  wireCase("empty parts", [part(""), morePart(""), more("")], [echoed("")]),
  wireCase("a part between empty ones", [part(""), morePart("x"), more("")], [echoed("x")]),
  wireCase("control frames in between", [
    part("one "), ping("first"), morePart("two "), ping("second"), more("three"),
  ], [pong("first"), pong("second"), echoed("one two three")]),
  wireCase("a thousand parts", [
    part("a"), ...Array.from({ length: 998 }, () => morePart("a")), more("a"),
  ], [echoed("a".repeat(1000))]),
  wireCase("a ping in parts", [frame({ opcode: OP.ping, fin: false }), more("x")], [], 1002),
  wireCase("a pong in parts", [frame({ opcode: OP.pong, fin: false }), more("x")], [], 1002),
  wireCase("a Close in parts", [frame({ opcode: OP.close, fin: false }), more("x")], [], 1002),
  wireCase("a continuation of nothing", [more("x"), text("x")], [], 1002),
  wireCase("one that is not the last", [morePart("x"), text("x")], [], 1002),
  wireCase("another after the end", [part("a"), more("b"), more("c")], [echoed("ab")], 1002),
  wireCase("text inside of a message", [part("a"), text("b")], [], 1002),
  wireCase("bytes inside of a message", [part("a"), binary(Buffer.from("b"))], [], 1002),
];

const limits = [
  wireCase("one byte too long, announced", [
    binary(Buffer.alloc(0), { length: PAYLOAD_MAX + 1 }),
  ], [], 1009),
  wireCase("a length beyond all bounds", [
    Buffer.from([0x82, 0xff, 255, 255, 255, 255, 255, 255, 255, 255, 1, 2, 3, 4]),
  ], [], 1009),
  wireCase("parts that are too long together", [
    binary(Buffer.alloc(PAYLOAD_MAX), { fin: false }), more("x"),
  ], [], 1009),
];

const GOOD_CODES = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
  3000, 3999, 4000, 4999];
const BAD_CODES = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535];

const closes = [
  ...GOOD_CODES.map((code) => wireCase(`Close ${code}`, [close(code, "why")], [], code)),
  ...BAD_CODES.map((code) => wireCase(`Close ${code}`, [close(code)], [], 1002)),
  wireCase("Close without a code", [close()], [], 1005),
  wireCase("Close with half a code", [frame({ opcode: OP.close, payload: "x" })], [], 1002),
  wireCase("Close with a reason of 123", [close(1000, "r".repeat(123))], [], 1000),
  wireCase("Close with a reason of 124", [close(1000, "r".repeat(124))], [], 1002),
  wireCase("Close with a reason that is no UTF-8", [close(1000, Buffer.from([0xc0, 0xaf]))], [],
    1007),
  wireCase("a message and a ping after Close", [close(1000), text("late"), ping("late")], [], 1000),
  wireCase("two of Close", [close(1001), close(1002)], [], 1001),
  wireCase("Close inside of a message", [part("begun"), close(1000), more("late")], [], 1000),
];

export const CASES: readonly WireCase[] = [
  ...lengths, ...masks, ...unmasked, ...pings, ...reservedBits, ...reservedOpcodes, ...fragments,
  ...limits, ...closes, ...utf8Cases(), ...compressedCases(),
];
