/** Tests of the `websocket` member as it is read when an app is loaded. */
import t from "tap";
import { MillraceError } from "../../src/shared/errors.ts";
import { readWebSocketMember } from "../../src/worker/websocket-options.ts";

t.test("defaults are Bun's, and what is given wins", async (t) => {
  t.equal(readWebSocketMember(undefined), undefined);
  t.strictSame(readWebSocketMember({}), {
    handlers: {},
    options: {
      deflate: null,
      maxPayloadLength: 16_777_216,
      backpressureLimit: 1_048_576,
      idleTimeout: 120,
      closeSpreadMs: 1000,
      closeOnBackpressureLimit: false,
      sendPings: true,
      publishToSelf: false,
    },
  });
  const given = {
    data: { name: "for the compiler" },
    maxPayloadLength: 1,
    backpressureLimit: 0,
    idleTimeout: 0,
    closeSpreadMs: 0,
    closeOnBackpressureLimit: true,
    sendPings: false,
    publishToSelf: true,
  };
  const { data: _, ...options } = given;
  t.strictSame(readWebSocketMember(given)!.options, { deflate: null, ...options });
});

t.test("handlers are methods of the member, also inherited ones", async (t) => {
  class Chat {
    greeting = "hello";
    open(): string {
      return this.greeting;
    }
  }
  const { handlers } = readWebSocketMember(new Chat())!;
  t.equal(handlers.open!(null as never), "hello");
  t.equal(handlers.close, undefined);
});

t.test("compression has Bun's names", async (t) => {
  const deflateOf = (value: unknown): unknown =>
    readWebSocketMember({ perMessageDeflate: value })!.options.deflate;
  const shared = { windowBits: 15, memLevel: 8, hasContext: false };
  t.equal(deflateOf(false), null);
  t.strictSame(deflateOf(true), { compress: shared, decompress: shared });
  t.strictSame(deflateOf({}), { compress: shared, decompress: shared });
  t.strictSame(deflateOf({ compress: "3KB", decompress: "dedicated" }), {
    compress: { windowBits: 9, memLevel: 1, hasContext: true },
    decompress: { windowBits: 15, memLevel: 8, hasContext: true },
  });
  t.match(deflateOf({ compress: false }), { compress: null, decompress: shared });
  t.match(deflateOf({ decompress: "disable" }), { compress: shared, decompress: shared });
  t.equal(deflateOf({ compress: "disable", decompress: false }), null);
});

t.test("what is not valid is refused with its name", async (t) => {
  const wrong: [unknown, RegExp][] = [
    [null, /`websocket` must be an object, not null/],
    ["chat", /`websocket` must be an object, not "chat"/],
    [{ onMessage() {} }, /`websocket\.onMessage` is unknown.*message/],
    [{ message: "text" }, /`websocket\.message` must be a function, not "text"/],
    [{ idleTimeout: -1 }, /`websocket\.idleTimeout` must be an integer from 0 to 86400, not -1/],
    [{ maxPayloadLength: 0 }, /`websocket\.maxPayloadLength` must be an integer from 1/],
    [{ maxPayloadLength: 2 ** 31 }, /to 2147483647, not 2147483648/],
    [{ backpressureLimit: 1.5 }, /not 1\.5/],
    [{ sendPings: 1 }, /`websocket\.sendPings` must be true or false, not 1/],
    [{ perMessageDeflate: "on" }, /`websocket\.perMessageDeflate` must be true, false or an obj/],
    [{ perMessageDeflate: { level: 1 } }, /an object of `compress` and `decompress`, not "level"/],
    [{ perMessageDeflate: { compress: "1KB" } }, /\.compress` must be one of true.*not "1KB"/],
    [{ perMessageDeflate: { decompress: {} } }, /\.decompress` must be one of .*not an object/],
  ];
  for (const [member, message] of wrong) {
    try {
      readWebSocketMember(member);
      t.fail(`not refused: ${String(message)}`);
    } catch (error) {
      t.match(error, { code: "ERR_MILLRACE_WEBSOCKET_INVALID", message });
      t.ok(error instanceof MillraceError);
    }
  }
});
