/**
 * Text of peers and apps as a log or an answer may show it: with its control characters escaped, so
 * that none of it moves a terminal, starts a line of its own or is markup. Any thread.
 */

/** Beside the controls those that reorder or break lines: U+2028, U+2029 and the marks of bidi. */
// oxlint-disable-next-line no-control-regex -- they are what it looks for
const UNSEEN = /[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
const MARKUP: Readonly<Record<string, string>> = {
  "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;", "`": "&#96;",
};

/** For one line. A backslash is left alone: what is shown need not be undone. */
export function shownText(text: string): string {
  return text.replace(UNSEEN, escaped);
}

/** For a text of several lines, as a stack is: tabs and line feeds stay. */
export function shownLines(text: string): string {
  return text.replace(UNSEEN, (each) => (each === "\n" || each === "\t" ? each : escaped(each)));
}

/** The same as a part of HTML, also within an attribute in quotes. */
export function shownMarkup(text: string): string {
  return shownLines(text).replace(/[&<>"'`]/g, (each) => MARKUP[each]!);
}

function escaped(each: string): string {
  if (each === "\r") return "\\r";
  if (each === "\n") return "\\n";
  if (each === "\t") return "\\t";
  const code = each.charCodeAt(0).toString(16);
  return code.length <= 2 ? `\\x${code.padStart(2, "0")}` : `\\u${code.padStart(4, "0")}`;
}
