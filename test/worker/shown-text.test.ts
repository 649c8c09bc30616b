/** Tests of text as a log and a page show it. */
import t from "tap";
import { shownLines, shownMarkup, shownText } from "../../src/worker/shown-text.ts";

t.test("no character that controls anything is left", async (t) => {
  let all = "";
  for (let code = 0; code < 0x3000; code++) all += String.fromCharCode(code);
  t.notMatch(shownText(all), /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u);
  t.equal(shownText("a\r\n\t\0\x1b[31m\x7f\x9b\u202e\u2028"),
    "a\\r\\n\\t\\x00\\x1b[31m\\x7f\\x9b\\u202e\\u2028");
  t.equal(shownText("gr\u00fc\u00df \u{1f600}"), "gr\u00fc\u00df \u{1f600}", "text stays text");
});

t.test("a text of lines keeps them", async (t) => {
  t.equal(shownLines("a\n\tb\r\x1b"), "a\n\tb\\r\\x1b");
});

t.test("markup is text, also in an attribute", async (t) => {
  t.equal(shownMarkup(`<a href="x" b='y'>&\`\x1b`),
    "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;&#96;\\x1b");
});
