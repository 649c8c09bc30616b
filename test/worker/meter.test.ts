/** The meter, by what it leaves in the table that the primary reads. */
import t from "tap";
import { FLAG_HTTP10 } from "../../src/shared/layout.ts";
import {
  ACTIVE_WORDS, DURATION_BOUNDS, KNOWN_METHODS, makeTable, methodIndex, OVERFLOW_KEY,
  ROW_DURATION, ROW_KEY, ROW_REQUEST_SIZE, ROW_RESPONSE_SIZE, ROW_WORDS, rowAt, SERIES_MAX,
  unpackKey,
} from "../../src/shared/series.ts";
import { Meter } from "../../src/worker/meter.ts";

function open(routes: string[] = ["/a", "/b"]) {
  const shared = makeTable();
  const table = new Float64Array(shared);
  const meter = new Meter(shared, routes, { at: (listener) => ({ isTls: listener === 1 }) });
  const row = (index: number): Float64Array => table.subarray(rowAt(index), rowAt(index + 1));
  const count = (index: number, at: number, words: number): number =>
    row(index).subarray(at + 1, at + words).reduce((sum, each) => sum + each, 0);
  return { meter, table, row, count };
}

const WORDS = DURATION_BOUNDS.length + 2;

t.test("a request is in work, then in the row of its attributes", async (t) => {
  const { meter, table, row, count } = open();
  const get = methodIndex("GET");
  meter.begin("GET", 0);
  t.equal(table[get], 1);
  const startedAt = performance.now() - 60;
  meter.end("GET", 0, 0, startedAt, "/b", 200, 0, 10);
  t.equal(table[get], 0);
  t.same(unpackKey(row(1)[ROW_KEY]!), {
    route: 1, method: get, status: 200, isHttp10: false, isTls: false,
  });
  const first = row(1)[ROW_DURATION + 1 + DURATION_BOUNDS.indexOf(0.05)];
  t.equal(first, 0, "60 ms are above the bound of 50");
  t.ok(row(1)[ROW_DURATION]! >= 0.06);
  t.equal(count(1, ROW_DURATION, WORDS), 1);
  t.equal(row(1)[ROW_RESPONSE_SIZE], 10);
  t.equal(count(1, ROW_REQUEST_SIZE, 9), 0, "no body, no size");
  meter.begin("GET", 0);
  meter.end("GET", 0, 0, startedAt, "/b", 200, 5, 10);
  t.equal(count(1, ROW_DURATION, WORDS), 2, "the same row");
  t.equal(row(1)[ROW_REQUEST_SIZE], 5);
});

t.test("each attribute has rows of its own", async (t) => {
  const { meter, table, row } = open();
  meter.begin("BREW", 1);
  t.equal(table[KNOWN_METHODS.length], 1, "an unknown method, with TLS");
  meter.end("BREW", 1, FLAG_HTTP10, 1, "/unknown", 0, 0, 0);
  t.same(unpackKey(row(1)[ROW_KEY]!), {
    route: -1, method: 0, status: 0, isHttp10: true, isTls: true,
  });
  meter.addNative("/a", "HEAD", 204, 0, 7, 0);
  t.match(unpackKey(row(2)[ROW_KEY]!), { route: 0, status: 204 });
  t.equal(row(2)[ROW_DURATION + 1], 7);
});

t.test("an exchange is counted once", async (t) => {
  const { meter, table, count } = open();
  const exchange = {
    method: "HEAD", listener: 0, flags: 0, step: { route: "/a" },
    received: { length: 3 }, startedAt: 1,
  };
  meter.begin("HEAD", 0);
  meter.endExchange(exchange, 200, 99);
  meter.endExchange(exchange, 0, 0);
  t.equal(table[methodIndex("HEAD")], 0);
  t.equal(count(1, ROW_DURATION, WORDS), 1);
  t.equal(count(1, ROW_RESPONSE_SIZE, 9), 0, "the answer to HEAD has no body");
  t.equal(count(1, ROW_REQUEST_SIZE, 9), 1);
});

t.test("what comes when all rows are taken is in the first one", async (t) => {
  const routes = Array.from({ length: SERIES_MAX + 5 }, (_, index) => `/${index}`);
  const { meter, table, row, count } = open(routes);
  for (const route of routes) meter.addNative(route, "GET", 200, 0, 1, 0);
  t.equal(row(0)[ROW_KEY], OVERFLOW_KEY);
  t.equal(count(0, ROW_DURATION, WORDS), 6);
  t.equal(count(SERIES_MAX - 1, ROW_DURATION, WORDS), 1);
  t.equal(table.length, ACTIVE_WORDS + SERIES_MAX * ROW_WORDS);
});
