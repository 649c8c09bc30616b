/**
 * Replaces strings, comments and regular expressions by blanks of the same length and lines, so
 * that the other checks see only code. A scanner, not a parser: it knows TypeScript and C++ well
 * enough for code in the house style.
 */

/** What may stand before a `/` that starts a regular expression, and not a division. */
const BEFORE_REGEX = /(?:^|[([{,;:=!&|?+\-*%<>~}\n]|=>|\b(?:return|typeof|case|in|of|await))\s*$/;

export function maskedText(text, isNative) {
  let out = "";
  let at = 0;
  /** Depth of braces at which each open template literal goes on. */
  const templates = [];
  let depth = 0;
  const take = (end, keep = false) => {
    const piece = text.slice(at, end);
    out += keep ? piece : piece.replaceAll(/[^\n]/g, " ");
    at = end;
  };
  while (at < text.length) {
    const two = text.slice(at, at + 2);
    const one = text[at];
    if (two === "//") take(lineEnd(text, at));
    else if (two === "/*") take(endOf(text, "*/", at + 2));
    else if (one === '"' || (one === "'" && !isDigitMark(text, at, isNative))) {
      take(quotedEnd(text, at));
    } else if (one === "`" && !isNative) {
      depth = openTemplate(text, at, take, templates, depth);
    } else if (one === "/" && !isNative && BEFORE_REGEX.test(out.slice(-40))) {
      take(regexEnd(text, at));
    } else if (one === "}" && templates.at(-1) === depth) {
      templates.pop();
      depth = openTemplate(text, at, take, templates, depth - 1);
    } else {
      if (one === "{") depth++;
      if (one === "}") depth--;
      take(at + 1, true);
    }
  }
  return out;
}

/** Takes a piece of a template literal up to its end, or up to the next `${`. */
function openTemplate(text, at, take, templates, depth) {
  for (let index = at + 1; index < text.length; index++) {
    if (text[index] === "\\") index++;
    else if (text[index] === "`") {
      take(index + 1);
      return depth;
    } else if (text.startsWith("${", index)) {
      take(index + 2);
      templates.push(depth + 1);
      return depth + 1;
    }
  }
  take(text.length);
  return depth;
}

/** In C++ an apostrophe within a number separates its digits. */
function isDigitMark(text, at, isNative) {
  const isDigit = (sign) => /^[0-9a-fA-F]$/.test(sign ?? "");
  return isNative && isDigit(text[at - 1]) && isDigit(text[at + 1]);
}

function lineEnd(text, at) {
  return endOf(text, "\n", at, 0);
}

function endOf(text, mark, from, extra = mark.length) {
  const found = text.indexOf(mark, from);
  return found < 0 ? text.length : found + extra;
}

function quotedEnd(text, at) {
  for (let index = at + 1; index < text.length; index++) {
    if (text[index] === "\\") index++;
    else if (text[index] === text[at] || text[index] === "\n") return index + 1;
  }
  return text.length;
}

function regexEnd(text, at) {
  let isClass = false;
  for (let index = at + 1; index < text.length; index++) {
    if (text[index] === "\\") index++;
    else if (text[index] === "[") isClass = true;
    else if (text[index] === "]") isClass = false;
    else if (text[index] === "\n" || (text[index] === "/" && !isClass)) return index + 1;
  }
  return text.length;
}
