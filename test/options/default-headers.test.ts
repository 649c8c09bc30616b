/** Which fields may stand on every answer. */
import t from "tap";
import { passes } from "../../src/options/checks.ts";
import { defaultHeaders } from "../../src/options/default-headers.ts";

t.test("names and values as they may stand in a head", async (t) => {
  const good = [
    {}, { Server: "mine" }, { "x-empty": "" }, { "x-tab": "a\tb" }, { "x-latin": "caf\u00e9" },
    { a: "1", b: "2" }, { a: "v".repeat(8187) },
  ];
  for (const value of good) t.ok(passes(defaultHeaders, value));
  const bad = [
    null, [], "Server: x", { "": "x" }, { "a b": "x" }, { "a:": "x" }, { a: 1 }, { a: undefined },
    { a: "x\r\ny: z" }, { a: "x\ny" }, { a: "x\0" }, { a: " x" }, { a: "x\t" }, { a: "\u20ac" },
    { Server: "a", server: "b" }, { a: "v".repeat(8188) },
  ];
  for (const value of bad) t.notOk(passes(defaultHeaders, value), JSON.stringify(value));
});

t.test("not what each answer says for itself", async (t) => {
  for (const name of ["Content-Length", "transfer-encoding", "Connection", "Set-Cookie", "Date"]) {
    t.notOk(passes(defaultHeaders, { [name]: "1" }), name);
  }
});
