/** What an answer may say of itself. */
import t from "tap";
import { LightResponse, responseParts } from "../../src/worker/response.ts";
import {
  bodyLength, checkAnswer, declaredLength, HEAD_LINES_MAX,
} from "../../src/worker/response-rules.ts";
import { LightHeaders } from "../../src/worker/headers.ts";

type Headers = Record<string, string>;
type Body = ConstructorParameters<typeof LightResponse>[0];

const check = (body: Body, headers: Headers, status = 200, isHead = false): void =>
  checkAnswer(responseParts(new LightResponse(body, { status, headers })), isHead);
const stream = (): ReadableStream => new Blob(["blob"]).stream();
const code = "ERR_MILLRACE_RESPONSE_HEADERS";

t.test("a length is that of the body in bytes", async (t) => {
  check("caf\u00e9", { "content-length": "5" });
  check(new Uint8Array(3), { "content-length": "3" });
  check(new Blob(["ab"]), { "content-length": "2" });
  check(null, { "content-length": "0" });
  check(stream(), { "content-length": "77" }, 200);
  for (const [body, length] of [["caf\u00e9", "4"], [null, "1"], ["", "1"]] as const) {
    t.throws(() => check(body, { "content-length": length }), { code });
  }
  t.throws(() => check(new Uint8Array(3), { "content-length": "4" }), { code });
  t.throws(() => check(new Blob(["ab"]), { "content-length": "3" }), { code });
  for (const text of ["", "-1", "+4", "4.0", "0x4", "4, 4", "9".repeat(16)]) {
    t.throws(() => check("text", { "content-length": text }), { code }, text);
    t.throws(() => check(stream(), { "content-length": text }), { code }, text);
  }
});

t.test("without a body it tells what GET would have, where that may be said", async (t) => {
  check(null, { "content-length": "9" }, 200, true);
  check("", { "content-length": "9" }, 200, true);
  t.throws(() => check("text", { "content-length": "9" }, 200, true), { code });
  check(null, { "content-length": "9" }, 304);
  for (const status of [204, 205]) {
    check(null, { "content-length": "0" }, status);
    t.throws(() => check(null, { "content-length": "9" }, status), { code });
  }
});

t.test("no coding but the one the server applies", async (t) => {
  check("text", { "transfer-encoding": "Chunked" });
  t.throws(() => check("text", { "transfer-encoding": "gzip" }), { code });
  t.throws(() => check("text", { "transfer-encoding": "chunked, chunked" }), { code });
});

t.test("a head has a limit", async (t) => {
  const value = "v".repeat(HEAD_LINES_MAX - "x: \r\n".length - "content-type: a\r\n".length);
  check("text", { "content-type": "a", x: value });
  t.throws(() => check("text", { "content-type": "a", x: `${value}v` }), { code });
});

t.test("lengths of bodies and of headers", async (t) => {
  t.equal(bodyLength(stream()), -1);
  t.equal(bodyLength("\u20ac"), 3);
  t.equal(declaredLength(null), -1);
  t.equal(declaredLength(new LightHeaders({ "content-length": "12" })), 12);
  t.equal(declaredLength(new LightHeaders({ "x-a": "12" })), -1);
});
