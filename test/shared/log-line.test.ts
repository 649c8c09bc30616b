/** Test of what a line of the log has escaped. */
import t from "tap";
import { escapedLine } from "../../src/shared/log-line.ts";

const of = (text: string): string => escapedLine(`${JSON.stringify({ [text]: text })}\n`);

t.test("controls beyond ASCII, line ends and marks of writing direction are escaped", (t) => {
  const codes = [0x7f, 0x80, 0x85, 0x9b, 0x9f, 0x61c, 0x200e, 0x2028, 0x202e, 0x2066, 0xfeff];
  for (const code of codes) {
    const escape = `\\u${code.toString(16).padStart(4, "0")}`;
    const text = `a${String.fromCharCode(code)}b`;
    t.equal(of(text), `{"a${escape}b":"a${escape}b"}\n`);
    t.strictSame(JSON.parse(of(text)), { [text]: text });
  }
  t.end();
});

t.test("all else stays as it is, also what was escaped before", (t) => {
  const texts = ["plain", "caf\u00e9 \u{1f600}", "tab\t, quote \", backslash \\u009b", "\u00a0"];
  for (const text of texts) {
    t.equal(of(text), `${JSON.stringify({ [text]: text })}\n`);
  }
  t.end();
});
