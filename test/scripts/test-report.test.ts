/** Tests of tap's reporter of our runs: what of a run's output is still there, and what is last. */
import type { Transform } from "node:stream";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import t from "tap";
import { repositoryFile } from "../support/environment.ts";

interface Report {
  default: new () => Transform;
}

const url = pathToFileURL(repositoryFile("scripts/test-report.mjs")).href;
const { default: TestReport } = await import(url) as Report;

const PASSED = `# Subtest: a.test.js
    # Subtest: first
        ok 1 - fine
        1..1
    ok 1 - first # time=2ms
    1..1
ok 1 - a.test.js # time=3ms
`;

const FAILED = `# Subtest: b.test.js
    # Subtest: outer
        ok 1 - fine
        # Subtest: inner
            not ok 1 - same thing
              ---
              diff: |
                -  2
                +  1
              ...
${" ".repeat(12)}
            1..1
        not ok 2 - inner # time=25.821ms
          ---
          at:
            lineNumber: 2
          ...
        1..2
    not ok 1 - outer # time=33.778ms
      ---
      at:
        lineNumber: 1
      ...
    not ok 2 - for later # SKIP
    ok 3 - passes
    not ok 4 - top
    1..4
not ok 2 - b.test.js # time=54.514ms
  ---
  exitCode: 1
  signal: null
  ...

`;

const KILLED = `# Subtest: c.test.js
    # Subtest: never
        ok 1 - fine
    these were its last words
    1..0 # no tests found
not ok 3 - c.test.js # time=12ms
  ---
  exitCode: null
  signal: SIGKILL
  ...

`;

async function report(output: string, pieceLength = output.length): Promise<string> {
  const stream = new TestReport();
  for (let at = 0; at < output.length; at += pieceLength) {
    stream.write(output.slice(at, at + pieceLength));
  }
  stream.end();
  return await text(stream);
}

t.test("a passing file is one line, and nothing follows a run without a failure", async (t) => {
  const output = `TAP version 14\n1..1\n${PASSED}\n# { total: 1, pass: 1 }\n`;
  const expected = "TAP version 14\n1..1\nok 1 - a.test.js # time=3ms\n# { total: 1, pass: 1 }\n";
  t.equal(await report(output), expected);
});

t.test("the end names each failure with its diagnostics, and lists them all", async (t) => {
  const output = await report(`1..2\n${PASSED}\n${FAILED}# { total: 2, fail: 1 }\n`);
  const names = ["b.test.js > outer > inner > same thing", "b.test.js > top"];
  const expected = `1..2
ok 1 - a.test.js # time=3ms
not ok 2 - b.test.js # time=54.514ms
# { total: 2, fail: 1 }

FAILED ${names[0]}
  diff: |
    -  2
    +  1

FAILED ${names[1]}

2 failed:
  ${names[0]}
  ${names[1]}
`;
  t.equal(output, expected);
});

t.test("it does not matter in which pieces the output comes", async (t) => {
  const output = PASSED + FAILED + KILLED;
  t.equal(await report(output, 1), await report(output));
  t.equal(await report(output, 7), await report(output));
});

t.test("a file that was ended says by what, and what it printed last", async (t) => {
  const output = await report(PASSED + KILLED);
  t.match(output, /FAILED c\.test\.js\n.*signal: SIGKILL\n.*printed last:\n.*these were its last/s);
  t.match(output, /\n1 failed:\n {2}c\.test\.js\n$/);
});

t.test("a run that is cut in the middle of a file names that file's failures", async (t) => {
  const output = await report(PASSED + FAILED.slice(0, FAILED.indexOf("        1..2")));
  t.match(output, /\n1 failed:\n {2}b\.test\.js > outer > inner > same thing\n$/);
});

t.test("a failure outside all files is told, too", async (t) => {
  const output = await report(`${PASSED}not ok 2 - timeout!\n  ---\n  expired: x\n  ...\n`);
  t.match(output, /FAILED timeout!\n {2}---\n {2}expired: x\n.*\n1 failed:\n {2}timeout!\n$/s);
});

t.test("of long diagnostics the beginning is shown", async (t) => {
  const lines = Array.from({ length: 500 }, (_, index) => `        line ${index}\n`).join("");
  const failed = `    not ok 1 - deep\n      ---\n${lines}      ...\n    1..1\n`;
  const output = await report(`# Subtest: d.test.js\n${failed}not ok 1 - d.test.js\n`);
  t.match(output, /line 59\n {2}\(440 more lines\)\n\n1 failed:\n {2}d\.test\.js > deep\n$/);
});
