/**
 * tap's reporter of our runs: one line per file while they run, and at the very end what failed, so
 * that the last lines of a log tell all. A failure is a test point that is not ok, with its file,
 * the names of its tests and its diagnostics; a file that failed without one says how it ended and
 * what it printed last. tap keeps the whole output of each file in .tap/test-results.
 */
import { Transform } from "node:stream";

const VERDICT = /^( *)(not )?ok \d+(?: - (.*?))?(?: # (.*))?$/;
const SUBTEST = /^( *)# Subtest: (.*)$/;
const INDENT = 4;
/** A deep diff or a long source must not push the other failures out of sight. */
const DETAIL_LINES_MAX = 60;
const LAST_LINES = 25;

export default class TestReport extends Transform {
  #rest = "";
  /** The lines of the file that is being read, without its verdict; undefined between files. */
  #lines;
  /** The verdict of a failed file, whose diagnostics are still to come. */
  #verdict;
  #failures = [];

  constructor() {
    super({ decodeStrings: false });
  }

  _transform(chunk, _encoding, done) {
    const lines = (this.#rest + String(chunk)).split("\n");
    this.#rest = lines.pop();
    for (const line of lines) this.#read(line);
    done();
  }

  _flush(done) {
    if (this.#rest !== "") this.#read(this.#rest);
    this.#endFile();
    if (this.#failures.length > 0) this.push(summaryOf(this.#failures));
    done();
  }

  #read(line) {
    if (this.#verdict !== undefined) {
      if (line.startsWith(" ")) return void this.#verdict.details.push(line);
      this.#endFile();
    }
    if (line.startsWith("# Subtest: ")) {
      this.#lines = [line];
      return;
    }
    const verdict = line.startsWith(" ") ? null : VERDICT.exec(line);
    if (verdict === null) return this.#lines === undefined ? this.#pass(line) : this.#keep(line);
    this.#pass(line);
    if (verdict[2] === undefined) this.#lines = undefined;
    else this.#verdict = { file: verdict[3], details: [] };
  }

  #keep(line) {
    this.#lines.push(line);
  }

  #pass(line) {
    if (line !== "") this.push(`${line}\n`);
  }

  #endFile() {
    if (this.#lines !== undefined || this.#verdict !== undefined) {
      const verdict = this.#verdict ?? { file: "a file without a verdict", details: [] };
      this.#failures.push(...failuresOf(this.#lines ?? [], verdict));
    }
    this.#lines = undefined;
    this.#verdict = undefined;
  }
}

/** The failures of a file; what failed only because a test within it did is not one. */
function failuresOf(lines, { file, details }) {
  const failures = pointsOf(lines);
  const wasEnded = details.some((line) => /^ +signal: (?!null)/.test(line));
  if (failures.length > 0 && !wasEnded) return failures;
  const last = lines.slice(-LAST_LINES).map((line) => line.trimEnd());
  if (last.length > 0) last.unshift("  printed last:");
  return [...failures, { path: [file], details: [...details, ...last] }];
}

function pointsOf(lines) {
  const failures = [];
  /** For each depth the test that is being read, and how many failures there were before it. */
  const open = [];
  for (let at = 0; at < lines.length; at++) {
    const subtest = SUBTEST.exec(lines[at]);
    if (subtest !== null) {
      const depth = subtest[1].length / INDENT;
      open.length = Math.min(open.length, depth);
      open[depth] = { name: subtest[2], before: failures.length };
      continue;
    }
    const point = pointIn(lines[at]);
    if (point === undefined) continue;
    const test = open[point.depth];
    open.length = Math.min(open.length, point.depth);
    if (point.isOk || (test !== undefined && failures.length > test.before)) continue;
    const path = [...open.filter(Boolean).map(({ name }) => name), point.name];
    failures.push({ path, details: diagnosticsAt(lines, at + 1, lines[at].search(/\S/)) });
  }
  return failures;
}

function pointIn(line) {
  const match = VERDICT.exec(line);
  if (match === null) return;
  const [, indent, not, name = "(unnamed)", directive = ""] = match;
  const isOk = not === undefined || /^(?:todo|skip)\b/i.test(directive);
  return { depth: indent.length / INDENT, isOk, name };
}

/** The YAML block that follows a test point. */
function diagnosticsAt(lines, start, indent) {
  const margin = " ".repeat(indent + 2);
  if (lines[start] !== `${margin}---`) return [];
  const end = lines.indexOf(`${margin}...`, start);
  return lines.slice(start + 1, end === -1 ? undefined : end).map((line) => line.slice(indent));
}

function summaryOf(failures) {
  const names = failures.map(({ path }) => path.join(" > "));
  const blocks = failures.flatMap(({ details }, index) => {
    const kept = details.slice(0, DETAIL_LINES_MAX);
    if (kept.length < details.length) kept.push(`  (${details.length - kept.length} more lines)`);
    return ["", `FAILED ${names[index]}`, ...kept];
  });
  const list = ["", `${failures.length} failed:`, ...names.map((name) => `  ${name}`)];
  return `${[...blocks, ...list].join("\n")}\n`;
}
