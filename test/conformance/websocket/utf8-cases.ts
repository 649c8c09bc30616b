/** Rows for text: valid UTF-8 cut between any two bytes, and what is none. */
import { more, OP, text } from "../../support/websocket-frames.ts";
import type { WireCase } from "./cases.ts";

const WORD = Buffer.from("Hé€😀 κόσμε");

/** In hexadecimal. */
const VALID = [
  "00", "7f", "c280", "dfbf", "e0a080", "ed9fbf", "ee8080", "efbfbd", "efbfbf", "f0908080",
  "f48fbfbf", "f09f9880",
];
const INVALID = [
  "80", "bf", "c0af", "c1bf", "c2", "e080af", "e0a0", "eda080", "edbfbf", "eda081edb080",
  "f08080af", "f0908", "f4908080", "f5808080", "f888808080", "fc8480808080", "fe", "ff", "c3c3",
  "e28241", "cebae1bdb9cf83cebcceb5eda080656469746564", "cebae1bdb9cf83cebcceb5f4",
];

export function utf8Cases(): WireCase[] {
  return [...splits(), ...VALID.map(valid), ...INVALID.flatMap(invalid)];
}

function splits(): WireCase[] {
  return Array.from({ length: WORD.length + 1 }, (_, at) => ({
    name: `text cut at byte ${at}`,
    bytes: Buffer.concat([text(WORD.subarray(0, at), { fin: false }), more(WORD.subarray(at))]),
    answers: [[OP.text, WORD]],
    code: null,
  }));
}

function valid(hex: string): WireCase {
  const payload = Buffer.from(hex, "hex");
  const answers = [[OP.text, payload] as const];
  return { name: `${hex} is text`, bytes: text(payload), answers, code: null };
}

/** Whole, and cut where nothing can be said of either part alone. */
function invalid(hex: string): WireCase[] {
  const payload = Buffer.from(hex, "hex");
  const half = payload.length >> 1;
  const parts = [text(payload.subarray(0, half), { fin: false }), more(payload.subarray(half))];
  return [
    { name: `${hex} is no text`, bytes: text(payload), answers: [], code: 1007 },
    { name: `${hex} in parts is no text`, bytes: Buffer.concat(parts), answers: [], code: 1007 },
  ];
}
