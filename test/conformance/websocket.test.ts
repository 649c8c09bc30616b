/**
 * The table of what a peer may send, on a link in memory and on a running server, each row whole
 * and one byte at a time: the outcome is the same.
 */
import t from "tap";
import { frameOf, OPCODE } from "../../src/worker/websocket-frames.ts";
import { negotiateDeflate } from "../../src/worker/websocket-deflate.ts";
import { readWebSocketMember } from "../../src/worker/websocket-options.ts";
import { until } from "../support/deadline.ts";
import { startApp } from "../support/server.ts";
import { close, OP } from "../support/websocket-frames.ts";
import { linkPair, type WirePeer } from "../support/websocket-pair.ts";
import { rawPeer } from "../support/websocket-peer.ts";
import { CASES, PAYLOAD_MAX, type WireCase } from "./websocket/cases.ts";

/** One at a time over TCP takes a while each. */
const SLOW_BYTES_MAX = 600;

const { deflate } = readWebSocketMember({ perMessageDeflate: true })!.options;

/** What came back, in a form that says where it differs. */
async function outcome({ bytes, code, answers }: WireCase, peer: WirePeer, size: number) {
  peer.write(bytes, size);
  if (code === null) {
    await until("the answers", () => peer.frames.length >= answers.length || peer.hasEnded);
    peer.write(close(1000));
  }
  await peer.ended();
  peer.stream.end();
  const frames = peer.frames.filter(({ opcode }) => opcode !== OP.close);
  return {
    answers: frames.map(({ opcode, payload }) => `${opcode} ${payload.toString("base64")}`),
    code: peer.closeCode,
  };
}

function expected({ answers, code }: WireCase) {
  return {
    answers: answers.map(([opcode, payload]) => `${opcode} ${payload.toString("base64")}`),
    code: code ?? 1000,
  };
}

for (const size of [0, 1]) {
  const how = size === 0 ? "whole" : "one byte at a time";

  t.test(`in memory, ${how}`, async (t) => {
    for (const row of CASES) {
      const negotiated = row.isDeflated
        ? negotiateDeflate("permessage-deflate", deflate!, PAYLOAD_MAX)
        : null;
      const { peer, link } = linkPair({
        maxPayloadLength: PAYLOAD_MAX,
        ...(negotiated !== null && { inflater: negotiated.inflater }),
        onMessage: (link, data, isBinary) => {
          link.send(frameOf(isBinary ? OPCODE.binary : OPCODE.text, data, false));
        },
      });
      t.strictSame(await outcome(row, peer, size), expected(row), row.name);
      link.terminate();
    }
  });

  t.test(`on a server, ${how}`, async (t) => {
    const { port } = await startApp(t, `export default {
      fetch(request, context) { context.upgrade(request); },
      websocket: {
        maxPayloadLength: ${PAYLOAD_MAX},
        perMessageDeflate: true,
        message(socket, message) { socket.send(message); },
      },
    };`);
    const offer = { "Sec-WebSocket-Extensions": "permessage-deflate" };
    for (const row of CASES) {
      if (size === 1 && row.bytes.length > SLOW_BYTES_MAX) continue;
      const { peer } = await rawPeer(t, port, row.isDeflated ? offer : {});
      t.strictSame(await outcome(row, peer, size), expected(row), row.name);
      peer.stream.destroy();
    }
  });
}
