/** Rows for permessage-deflate: messages without a context, as the server asks for them. */
import { constants, deflateRawSync } from "node:zlib";
import { binary, frame, more, OP, text } from "../../support/websocket-frames.ts";
import { PAYLOAD_MAX, type WireCase } from "./cases.ts";

const COMPRESSED = 0x40;
const NEWS = Buffer.from("all the news that is fit to be sent again and again ".repeat(40));

/** Without the four bytes that end each flushed block. */
function deflated(payload: Uint8Array): Buffer {
  return deflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
}

function row(name: string, frames: Buffer[], answers: Buffer[], code: number | null): WireCase {
  return {
    name: `compressed: ${name}`,
    bytes: Buffer.concat(frames),
    answers: answers.map((payload) => [OP.text, payload] as const),
    code,
    isDeflated: true,
  };
}

export function compressedCases(): WireCase[] {
  const bytes = deflated(NEWS);
  const cut = bytes.length >> 1;
  const first = text(bytes.subarray(0, cut), { fin: false, reserved: COMPRESSED });
  const rest = bytes.subarray(cut);
  const whole = text(bytes, { reserved: COMPRESSED });
  const ping = frame({ opcode: OP.ping, payload: "" });
  const bomb = deflated(Buffer.alloc(PAYLOAD_MAX * 100));
  return [
    row("a message", [whole], [NEWS], null),
    row("many of them", [whole, whole, text("plain"), whole],
      [NEWS, NEWS, Buffer.from("plain"), NEWS], null),
    row("an empty one", [text(deflated(Buffer.alloc(0)), { reserved: COMPRESSED })],
      [Buffer.alloc(0)], null),
    row("in parts", [first, more(rest)], [NEWS], null),
    row("in parts with an empty one", [first, more("", { fin: false }), more(rest)], [NEWS], null),
    row("marked in a later part", [first, more(rest, { reserved: COMPRESSED })], [], 1002),
    row("a control frame", [frame({ opcode: OP.ping, reserved: COMPRESSED })], [], 1002),
    row("no compressed data", [
      binary(Buffer.from("garbage!"), { reserved: COMPRESSED }),
    ], [], 1007),
    row("no text", [
      text(deflated(Buffer.from([0xc0, 0xaf])), { reserved: COMPRESSED }),
    ], [], 1007),
    row("a bomb", [binary(bomb, { reserved: COMPRESSED }), ping], [], 1009),
    row("a bomb in parts", [
      binary(bomb.subarray(0, 100), { fin: false, reserved: COMPRESSED }), more(bomb.subarray(100)),
    ], [], 1009),
  ];
}
