/** Length of files and lines, the header of each file, leftovers, and exceptions without reason. */

const FILE_LINES_MAX = 500;
const COLUMNS_MAX = 100;
const GENERATED = /^src\/shared\/layout\.ts$/;

/** Joined, so that this file does not find itself. */
const NOTES = ["FIX" + "ME", "TO" + "DO", "XX" + "X"];
const LEFTOVERS = [
  { where: /./, what: new RegExp(`\\b(?:${NOTES.join("|")})\\b`) },
  { where: /^(src|test)\//, what: new RegExp("\\bconsole" + "\\.log\\(") },
  { where: /^(src|test)\//, what: new RegExp("^\\s*debug" + "ger\\b") },
  { where: /^test\//, what: new RegExp("\\.on" + "ly\\(") },
];

const DISABLED = /(?:oxlint|eslint)-disable|@ts-(?:ignore|expect-error|nocheck)/;
const REASON = /(?:oxlint|eslint)-disable\S*.* -- \S|@ts-expect-error:? \S/;
const ANY = /(?::|\bas|[<|&,=])\s*any\b(?!\s*\()|\bany\[\]/;

export function checkLines(files) {
  const paths = new Set(files.map(({ path }) => path));
  return files.flatMap((file) => [...checkFile(file, paths), ...checkEachLine(file)]);
}

function checkFile({ path, text }, paths) {
  const findings = [];
  const count = text.split("\n").length - 1;
  if (count > FILE_LINES_MAX && !GENERATED.test(path)) {
    findings.push(`${path}: ${count} lines, at most ${FILE_LINES_MAX}: look for a second noun`);
  }
  // What is said in the .h holds for the .cc beside it.
  const hasHeader = paths.has(path.replace(/\.cc$/, ".h")) && path.endsWith(".cc");
  if (!hasHeader && !/^(?:#!.*\n)?\s*(?:\/\*\*?|\/\/)/.test(text)) {
    findings.push(`${path}:1: no header comment that says what the file is`);
  }
  if (!text.endsWith("\n") || text.endsWith("\n\n")) {
    findings.push(`${path}: must end with one line end`);
  }
  return findings;
}

function checkEachLine({ path, text, masked }) {
  const findings = [];
  const code = masked.split("\n");
  const lines = text.split("\n");
  for (const [index, line] of lines.entries()) {
    const place = `${path}:${index + 1}`;
    if ([...line].length > COLUMNS_MAX && !GENERATED.test(path)) {
      findings.push(`${place}: ${[...line].length} columns, at most ${COLUMNS_MAX}`);
    }
    if (/[ \t]$/.test(line)) findings.push(`${place}: ends with a blank`);
    for (const { where, what } of LEFTOVERS) {
      if (where.test(path) && what.test(line)) findings.push(`${place}: leftover ${what.source}`);
    }
    if (DISABLED.test(line) && !REASON.test(line) && !path.startsWith("scripts/tidy/")) {
      findings.push(`${place}: a disabled check needs its reason, after " -- "`);
    }
    const hasReason = /\/\/ any: \S/.test(line) || /\/\/ any: \S/.test(lines[index - 1] ?? "");
    if (path.endsWith(".ts") && ANY.test(code[index] ?? "") && !hasReason) {
      findings.push(`${place}: any needs its reason, as "// any: ..." beside or above it`);
    }
  }
  return findings;
}
