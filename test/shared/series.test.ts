/** The table of HTTP metrics: its keys, and that its parts do not overlap. */
import t from "tap";
import {
  ACTIVE_WORDS, DURATION_BOUNDS, KNOWN_METHODS, makeTable, methodIndex, packKey,
  ROW_DURATION, ROW_REQUEST_SIZE, ROW_RESPONSE_SIZE, ROW_WORDS, rowAt, SERIES_MAX, SIZE_BOUNDS,
  unpackKey,
} from "../../src/shared/series.ts";

t.test("a key tells all attributes apart", async (t) => {
  const seen = new Set<number>();
  for (const route of [-1, 0, 1, 70_000]) {
    for (let method = 0; method < KNOWN_METHODS.length; method++) {
      for (const status of [0, 200, 599, 999]) {
        for (const isHttp10 of [false, true]) {
          for (const isTls of [false, true]) {
            const key = packKey(route, method, status, isHttp10, isTls);
            seen.add(key);
            const wanted = { route, method, status, isHttp10, isTls };
            if (JSON.stringify(unpackKey(key)) === JSON.stringify(wanted)) continue;
            t.same(unpackKey(key), wanted);
          }
        }
      }
    }
  }
  t.equal(seen.size, 4 * KNOWN_METHODS.length * 4 * 4);
  t.notOk(seen.has(0), "0 is an unused row");
});

t.test("methods that nobody knows are one", async (t) => {
  t.equal(KNOWN_METHODS[methodIndex("GET")], "GET");
  for (const name of ["PROPFIND", "get", ""]) t.equal(KNOWN_METHODS[methodIndex(name)], "_OTHER");
});

t.test("the parts of a row lie behind one another, and all rows in the table", async (t) => {
  // A histogram: a sum, a count per bound, and one for what is above all bounds.
  t.equal(ROW_REQUEST_SIZE - ROW_DURATION, DURATION_BOUNDS.length + 2);
  t.equal(ROW_RESPONSE_SIZE - ROW_REQUEST_SIZE, SIZE_BOUNDS.length + 2);
  t.equal(ROW_WORDS - ROW_RESPONSE_SIZE, SIZE_BOUNDS.length + 2);
  t.equal(rowAt(0), ACTIVE_WORDS);
  t.equal(new Float64Array(makeTable()).length, rowAt(SERIES_MAX));
  for (const bounds of [DURATION_BOUNDS, SIZE_BOUNDS]) {
    t.same([...bounds].sort((one, other) => one - other), bounds);
  }
});
