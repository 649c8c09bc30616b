/** docs/ancestors.md names a test for each row of the list that the server was built from. */
import { existsSync, readFileSync } from "node:fs";
import t from "tap";
import { repositoryFile } from "../support/environment.ts";

/** Rows of each letter. */
const ROWS = {
  A: 15, B: 13, C: 15, D: 13, E: 7, F: 13, G: 6, H: 8, I: 3, J: 5, K: 4, L: 3, M: 4, N: 1, O: 4,
  P: 4, Q: 1,
};
/** They wait for TLS, of which M4 has a part that does not, and for static files. */
const TO_COME = new Set(["M1", "M2", "M3"]);

const page = readFileSync(repositoryFile("docs/ancestors.md"), "utf8");
const rows = [...page.matchAll(/^\| ([A-Q]\d+) \| (.+?) \| (.+?) \|$/gm)];

t.test("each row is there once, in order", async (t) => {
  const expected = Object.entries(ROWS).flatMap(([letter, count]) =>
    Array.from({ length: count }, (_, at) => `${letter}${at + 1}`));
  t.same(rows.map(([, id]) => id), expected);
});

t.test("each has a sentence, and a test that exists", async (t) => {
  for (const [, id = "", sentence = "", tests = ""] of rows) {
    t.match(sentence, /\.$/, id);
    if (tests === "to come") {
      t.ok(TO_COME.has(id), `${id} may not wait`);
      continue;
    }
    for (const test of tests.split(", ")) {
      t.match(test, /^test\/[\w\-/]+\.test\.ts$/, id);
      t.ok(existsSync(repositoryFile(test)), `${id}: ${test}`);
    }
  }
});

t.test("the pages that it points to exist", async (t) => {
  for (const [, target = ""] of page.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)) {
    t.ok(existsSync(repositoryFile(`docs/${target}`)), target);
  }
});
