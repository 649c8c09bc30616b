/** Tests of permessage-deflate: what is negotiated, and what is sent. */
import { constants, inflateRawSync } from "node:zlib";
import t from "tap";
import { deflatedFrame, negotiateDeflate } from "../../src/worker/websocket-deflate.ts";
import { OPCODE } from "../../src/worker/websocket-frames.ts";
import { readWebSocketMember } from "../../src/worker/websocket-options.ts";
import { readFrames } from "../support/websocket-frames.ts";

const TRAILER = Buffer.from([0, 0, 255, 255]);

function negotiate(offer: string, perMessageDeflate: unknown = true) {
  const { deflate } = readWebSocketMember({ perMessageDeflate })!.options;
  return negotiateDeflate(offer, deflate!, 1000);
}

function answerTo(offer: string, perMessageDeflate?: unknown): string | undefined {
  return negotiate(offer, perMessageDeflate)?.answer;
}

const NAME = "permessage-deflate";
const BOTH = "server_no_context_takeover; client_no_context_takeover";

t.test("an offer is answered with what both sides hold", async (t) => {
  t.equal(answerTo(NAME), `${NAME}; ${BOTH}`);
  t.equal(answerTo(`${NAME}; client_max_window_bits`), `${NAME}; ${BOTH}`, "Chromium's");
  t.equal(answerTo("x-webkit-deflate-frame"), undefined);
  t.equal(
    answerTo(`${NAME}; server_max_window_bits=10`),
    `${NAME}; server_max_window_bits=10; ${BOTH}`,
  );
  t.equal(negotiate(`${NAME}; server_max_window_bits=10`)!.compressor!.windowBits, 10);
  t.equal(
    answerTo(`${NAME}; client_max_window_bits=11`),
    `${NAME}; client_max_window_bits=11; ${BOTH}`,
  );
});

t.test("sizes bound the windows; the peer's only if it can", async (t) => {
  const small = { compress: "3KB", decompress: "8KB" };
  t.equal(
    answerTo(`${NAME}; client_max_window_bits`, small),
    `${NAME}; client_max_window_bits=10; server_no_context_takeover; server_max_window_bits=9`,
  );
  t.equal(
    answerTo(`${NAME}; client_max_window_bits=9`, small),
    `${NAME}; client_max_window_bits=9; server_no_context_takeover; server_max_window_bits=9`,
  );
  t.equal(answerTo(NAME, small), `${NAME}; server_no_context_takeover; server_max_window_bits=9`);
  t.equal(answerTo(NAME, { decompress: "dedicated" }), `${NAME}; server_no_context_takeover`);
  t.equal(negotiate(NAME, { compress: false })!.compressor, null);
});

t.test("an offer that cannot be held is passed over, the next one is taken", async (t) => {
  for (const bad of [
    "server_max_window_bits=8", "server_max_window_bits=16", "server_max_window_bits=7",
    "client_max_window_bits=7", "server_max_window_bits", "unheard_of",
    "client_no_context_takeover=1", "server_no_context_takeover; server_no_context_takeover",
  ]) {
    t.equal(answerTo(`${NAME}; ${bad}`), undefined, bad);
    t.equal(answerTo(`${NAME}; ${bad}, ${NAME}`), `${NAME}; ${BOTH}`, `${bad}, and another`);
  }
  t.throws(() => negotiate(`${NAME};;`), SyntaxError);
});

t.test("a compressed message needs nothing of the one before it", async (t) => {
  const payload = Buffer.from("again and again and again and again ".repeat(50));
  for (const windowBits of [9, 10, 15]) {
    const frame = deflatedFrame(OPCODE.text, payload, { windowBits, memLevel: 8 })!;
    t.ok(frame.length < payload.length / 5);
    const [received] = readFrames(frame).frames;
    t.match(received, { opcode: 1, reserved: 0x40 });
    const options = { windowBits, finishFlush: constants.Z_SYNC_FLUSH };
    const inflated = inflateRawSync(Buffer.concat([received!.payload, TRAILER]), options);
    t.ok(inflated.equals(payload));
  }
});

t.test("what compression does not shorten is sent as it is", async (t) => {
  const compressor = { windowBits: 15, memLevel: 8 };
  t.equal(deflatedFrame(OPCODE.binary, Buffer.from("abc"), compressor), null);
  t.equal(deflatedFrame(OPCODE.binary, Buffer.alloc(0), compressor), null);
});
