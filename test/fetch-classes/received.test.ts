/**
 * A Request that the server has received, side by side with the runtime's of the same fields and
 * bytes: every use of a body, over bodies and types of every kind.
 */
import t from "tap";
import type { Test } from "tap";
import { StandardRequest } from "../../src/worker/standard.ts";
import { BODY_USES } from "../support/body-cases.ts";
import { outcome } from "../support/compare.ts";
import { received } from "../support/received.ts";

const URL_A = "http://a.test/";
const PART = '--b\r\nContent-Disposition: form-data; name="a"';

const BYTES: Readonly<Record<string, string | Uint8Array>> = {
  nothing: "",
  text: "h\u00e4user",
  JSON: '{"a":[1,"\u00e4"]}',
  "JSON with a byte order mark": "\ufeff[1]",
  "bad JSON": "{",
  "no UTF-8": new Uint8Array([0x61, 0xff, 0xc3, 0x62]),
  form: "a=1&b=%C3%A4+x&a=2&=&c",
  "form that is odd": "%&&=%zz&a=\ufeff",
  multipart: `${PART}\r\n\r\n1\r\n--b--\r\n`,
  "multipart with a file":
    `${PART}; filename="f.txt"\r\nContent-Type: text/x\r\n\r\nabc\r\n--b--\r\n`,
  "multipart cut short": `${PART}\r\n\r\n1\r\n`,
  "multipart of nothing": "--b--\r\n",
};

const TYPES: Readonly<Record<string, string | null>> = {
  none: null,
  empty: "",
  text: "text/plain",
  odd: "a b",
  urlencoded: "application/x-www-form-urlencoded",
  "urlencoded with charset": "Application/X-WWW-Form-Urlencoded; charset=latin1",
  multipart: "multipart/form-data; boundary=b",
  "multipart with a quoted boundary": 'multipart/form-data; boundary="b"',
  "multipart without boundary": "multipart/form-data",
  "multipart with another boundary": "multipart/form-data; boundary=c",
};

async function compare(
  t: Test,
  name: string,
  use: string,
  parts: { bytes: string | Uint8Array; type: string | null },
): Promise<void> {
  const headers: [string, string][] = parts.type === null ? [] : [["content-type", parts.type]];
  const run = BODY_USES[use]!;
  // A Blob implies no type, and is no stream.
  const body = new Blob([parts.bytes]);
  const theirs = new StandardRequest(URL_A, { method: "POST", headers, body });
  const expected = await outcome(() => run(theirs));
  for (const isReady of [false, true]) {
    const ours = received({ method: "POST", url: URL_A, headers, body: parts.bytes, isReady });
    t.strictSame(await outcome(() => run(ours)), expected, `${name}, ${isReady}`);
  }
}

t.test("every use of every body", async (t) => {
  for (const use of Object.keys(BODY_USES)) {
    for (const [kind, bytes] of Object.entries(BYTES)) {
      await compare(t, `${use}: ${kind}`, use, { bytes, type: null });
    }
  }
});

t.test("formData and blob of every type", async (t) => {
  for (const use of ["formData", "blob"]) {
    for (const [kind, bytes] of Object.entries(BYTES)) {
      for (const [typeKind, type] of Object.entries(TYPES)) {
        await compare(t, `${use}: ${kind} as ${typeKind}`, use, { bytes, type });
      }
    }
  }
});

t.test("every use of a request without a body", async (t) => {
  for (const [use, run] of Object.entries(BODY_USES)) {
    for (const method of ["GET", "HEAD", "POST", "DELETE", "OPTIONS"]) {
      const ours = await outcome(() => run(received({ method, url: URL_A })));
      const theirs = await outcome(() => run(new StandardRequest(URL_A, { method })));
      t.strictSame(ours, theirs, `${use}: ${method}`);
    }
  }
});
