/**
 * Length of functions, in TypeScript and C++ alike: a block counts as the body of a function if
 * `=>`, or a parameter list that no keyword of control flow stands before, leads to it.
 */

const FUNCTION_LINES_MAX = 70;
const CONTROL = /\b(?:if|for|while|switch|catch|with|await)\s*$/;
/** What may stand between the parameters and the body: return types and specifiers. */
const BETWEEN = /^\s*(?:(?::|->)[^;{}()]*|const|noexcept|override|final|mutable|\s)*$/;

export function checkFunctions(files) {
  return files.flatMap(({ path, masked }) => longFunctions(masked).map(({ line, count }) =>
    `${path}:${line}: a function of ${count} lines, at most ${FUNCTION_LINES_MAX}`));
}

/** The functions of a masked text that are too long, by their first line. */
export function longFunctions(masked, max = FUNCTION_LINES_MAX) {
  const found = [];
  const open = [];
  let line = 1;
  for (let at = 0; at < masked.length; at++) {
    const sign = masked[at];
    if (sign === "\n") line++;
    else if (sign === "{") open.push(functionLine(masked, at, line));
    else if (sign === "}") {
      const first = open.pop() ?? 0;
      if (first > 0 && line - first + 1 > max) found.push({ line: first, count: line - first + 1 });
    }
  }
  return found;
}

/** The first line of the function whose body opens at the brace, 0 if it is no function's. */
function functionLine(masked, brace, line) {
  const before = masked.slice(Math.max(0, brace - 2000), brace).trimEnd();
  if (before.endsWith("=>")) return lineOfHead(before, before.length - 2, line);
  const close = before.lastIndexOf(")");
  if (close < 0 || !BETWEEN.test(before.slice(close + 1))) return 0;
  const start = matching(before, close);
  if (start < 0 || CONTROL.test(before.slice(0, start))) return 0;
  return line - lineEnds(before.slice(start)) - trailingLineEnds(masked, brace, before);
}

function lineOfHead(before, arrow, line) {
  const close = before.lastIndexOf(")", arrow);
  const start = close < 0 ? -1 : matching(before, close);
  return start < 0 ? line : line - lineEnds(before.slice(start));
}

/** Line ends between the text and the brace, which trimming took away. */
function trailingLineEnds(masked, brace, before) {
  const whole = masked.slice(Math.max(0, brace - 2000), brace);
  return lineEnds(whole.slice(before.length));
}

function matching(text, close) {
  let depth = 0;
  for (let at = close; at >= 0; at--) {
    if (text[at] === ")") depth++;
    if (text[at] === "(" && --depth === 0) return at;
  }
  return -1;
}

function lineEnds(text) {
  return text.split("\n").length - 1;
}
