/** Tests of the answer to a request for a WebSocket. */
import t from "tap";
import { type Handshake, handshakeOf } from "../../src/worker/websocket-handshake.ts";
import { readWebSocketMember } from "../../src/worker/websocket-options.ts";

/** The example of RFC 6455 1.3. */
const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

const GOOD = {
  Upgrade: "websocket",
  Connection: "Upgrade",
  "Sec-WebSocket-Key": KEY,
  "Sec-WebSocket-Version": "13",
};

function shake(
  fields: Record<string, string | undefined>,
  { method = "GET", given = undefined as Record<string, string> | undefined, deflate = true } = {},
): Handshake {
  const { options } = readWebSocketMember({ perMessageDeflate: deflate })!;
  const headers = new Headers();
  for (const [name, value] of Object.entries({ ...GOOD, ...fields })) {
    if (value !== undefined) headers.set(name, value);
  }
  return handshakeOf({ method, headers }, options, given);
}

function answered(handshake: Handshake): Record<string, string> {
  return handshake.kind === "accepted" ? Object.fromEntries(handshake.headers) : {};
}

t.test("a good request is accepted", async (t) => {
  t.strictSame(answered(shake({})), { "sec-websocket-accept": ACCEPT, upgrade: "websocket" });
  t.equal(shake({ Upgrade: "WebSocket" }).kind, "accepted");
  t.equal(shake({ Upgrade: "h2c, websocket" }).kind, "accepted");
});

t.test("a request for something else is none", async (t) => {
  for (const Upgrade of [undefined, "", "h2c", "websockets", "web socket"]) {
    t.equal(shake({ Upgrade }).kind, "none", `${Upgrade}`);
  }
});

t.test("a bad key is 400, another version 426", async (t) => {
  const keys = [undefined, "", "short==", `${KEY}, ${KEY}`, KEY.replace("==", "=a"), `${KEY} x`];
  for (const key of keys) {
    const refused = shake({ "Sec-WebSocket-Key": key });
    t.match(refused, { kind: "refused", status: 400, text: /Sec-WebSocket-Key/ }, `${key}`);
  }
  for (const version of [undefined, "", "8", "12", "14", "x", "13, 13"]) {
    t.match(shake({ "Sec-WebSocket-Version": version }), {
      kind: "refused",
      status: 426,
      headers: { Upgrade: "websocket", "Sec-WebSocket-Version": "13" },
    }, `${version}`);
  }
  t.match(shake({}, { method: "POST" }), { kind: "refused", status: 400 });
});

t.test("the first protocol is chosen, unless the app does", async (t) => {
  const offer = { "Sec-WebSocket-Protocol": "chat, superchat" };
  t.match(answered(shake(offer)), { "sec-websocket-protocol": "chat" });
  const given = { "Sec-WebSocket-Protocol": "superchat" };
  t.match(answered(shake(offer, { given })), { "sec-websocket-protocol": "superchat" });
  t.match(shake({ "Sec-WebSocket-Protocol": "a, a" }), { kind: "refused", status: 400 });
  t.match(shake({ "Sec-WebSocket-Protocol": "a b" }), { kind: "refused", status: 400 });
});

t.test("the app's fields go with it, but for those of the handshake", async (t) => {
  const given = {
    "Set-Cookie": "a=b", Upgrade: "h2c", Connection: "close", "Sec-WebSocket-Accept": "forged",
    "Sec-WebSocket-Extensions": "forged", "Content-Length": "7", "Transfer-Encoding": "chunked",
  };
  t.strictSame(answered(shake({}, { given })), {
    "set-cookie": "a=b", upgrade: "websocket", "sec-websocket-accept": ACCEPT,
  });
  t.throws(() => shake({}, { given: { "bad name": "x" } }), TypeError, "as new Headers does");
});

t.test("compression is negotiated only where the app wants it", async (t) => {
  const offer = { "Sec-WebSocket-Extensions": "x, permessage-deflate; client_max_window_bits" };
  const accepted = shake(offer);
  t.match(answered(accepted), { "sec-websocket-extensions": /^permessage-deflate; server_no/ });
  t.match(accepted, { deflate: { compressor: { windowBits: 15 } } });
  const without = shake(offer, { deflate: false });
  t.notOk("sec-websocket-extensions" in answered(without));
  t.match(without, { deflate: null });
  t.match(shake({ "Sec-WebSocket-Extensions": "x" }), { kind: "accepted", deflate: null });
  t.match(shake({ "Sec-WebSocket-Extensions": ";;" }), { kind: "refused", status: 400 });
});
