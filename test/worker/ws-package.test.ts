/** Tests of what is taken from the package `ws`: that it is there, and does what is relied on. */
import { once } from "node:events";
import t from "tap";
import { wsPackage } from "../../src/worker/ws-package.ts";
import { frame, OP, text } from "../support/websocket-frames.ts";

t.test("the receiver tells messages, control frames and errors by their events", async (t) => {
  const { Receiver } = wsPackage();
  const receiver = new Receiver({
    isServer: true, maxPayload: 100, maxFragments: 10, maxBufferedChunks: 10, extensions: {},
  });
  const seen: unknown[] = [];
  receiver.on("message", (data: Buffer, isBinary) => seen.push([data.toString(), isBinary]));
  receiver.on("ping", (data: Buffer) => seen.push(data.toString()));
  receiver.write(Buffer.concat([text("one"), frame({ opcode: OP.ping, payload: "two" })]));
  t.strictSame(seen, [["one", false], "two"], "at once");
  receiver.write(frame({ opcode: OP.text, payload: "bare", mask: null }));
  const [error] = await once(receiver, "error");
  t.match(error, { code: "WS_ERR_EXPECTED_MASK", message: /MASK must be set/ });
});

t.test("offers and protocols are parsed as RFC 6455 has them", async (t) => {
  const { extension, subprotocol } = wsPackage();
  t.match(extension.parse("permessage-deflate; client_max_window_bits, x; a=1"), {
    "permessage-deflate": [{ client_max_window_bits: [true] }],
    x: [{ a: ["1"] }],
  });
  t.strictSame([...subprotocol.parse("chat, superchat")], ["chat", "superchat"]);
  t.throws(() => extension.parse(",,"), SyntaxError);
  t.throws(() => subprotocol.parse("a,a"), SyntaxError);
  t.equal(wsPackage(), wsPackage());
});
