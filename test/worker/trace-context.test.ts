/** W3C Trace Context: what is taken, what begins a new trace, what is passed on. */
import t from "tap";
import {
  parseTraceparent, parseTracestate, traceOf, type TraceSeed,
} from "../../src/worker/trace-context.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = "b7ad6b7169203331";

t.test("a traceparent of version 00 is taken as it is", async (t) => {
  t.same(parseTraceparent(`00-${TRACE}-${PARENT}-01`), {
    traceparent: `00-${TRACE}-${PARENT}-01`,
    traceId: TRACE,
    parentId: PARENT,
    flags: 1,
    isSampled: true,
  });
  t.equal(parseTraceparent(`00-${TRACE}-${PARENT}-00`)?.isSampled, false);
  t.equal(parseTraceparent(`00-${TRACE}-${PARENT}-ff`)?.flags, 255);
});

t.test("a later version is read as far as it is known, and passed on as 00", async (t) => {
  for (const rest of ["", "-", "-what the future brings"]) {
    const parsed = parseTraceparent(`cc-${TRACE}-${PARENT}-ff${rest}`);
    t.equal(parsed?.traceparent, `00-${TRACE}-${PARENT}-03`, rest);
    t.equal(parsed?.flags, 3);
  }
});

t.test("what is not valid", async (t) => {
  const wrong = [
    "",
    "00",
    `ff-${TRACE}-${PARENT}-01`,
    `00-${TRACE}-${PARENT}-01-`,
    `00-${TRACE}-${PARENT}-01-more`,
    `cc-${TRACE}-${PARENT}-01more`,
    `00-${"0".repeat(32)}-${PARENT}-01`,
    `00-${TRACE}-${"0".repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${PARENT}-01`,
    `00-${TRACE.slice(1)}-${PARENT}-01`,
    `00-${TRACE}-${PARENT}1-01`,
    `00-${TRACE}-${PARENT}-1`,
    `00-${TRACE}-${PARENT}-0g`,
    `0-${TRACE}-${PARENT}-01`,
    `00_${TRACE}_${PARENT}_01`,
    ` 00-${TRACE}-${PARENT}-01`,
  ];
  for (const value of wrong) t.equal(parseTraceparent(value), null, value);
});

t.test("tracestate: members in one line, or nothing", async (t) => {
  t.equal(parseTracestate("a=1"), "a=1");
  t.equal(parseTracestate(" a=1 ,\tb@c=x y/z , ,0-_*/=!"), "a=1,b@c=x y/z,0-_*/=!");
  const longest = `${"k".repeat(256)}=${"v".repeat(256)}`;
  t.equal(parseTracestate(longest), longest);
  const many = Array.from({ length: 32 }, (_, index) => `k${index}=v`).join(",");
  t.equal(parseTracestate(many), many);
  const wrong = [
    "", "a", "a=", "=1", "A=1", "a=1=2", "a=1,a=2", "a b=1", "a=\u0007", "a=ü", `${many},one=more`,
    `${"k".repeat(257)}=v`, `k=${"v".repeat(257)}`,
  ];
  for (const value of wrong) t.equal(parseTracestate(value), "", value);
});

const seedOf = (sequence: number): TraceSeed =>
  ({ engine: "9f86d081884c7d65", slot: 26, generation: -3, sequence });

t.test("the trace of a request", async (t) => {
  const parent = `00-${TRACE}-${PARENT}-01`;
  const known = traceOf([
    "Host", "x", "TraceParent", parent, "tracestate", "a=1", "Accept", "*", "Tracestate", "b=2",
  ], seedOf(0));
  t.match(known, { traceparent: parent, traceId: TRACE, state: "a=1,b=2", isNew: false });
});

t.test("without a valid traceparent a trace begins, and tracestate is ignored", async (t) => {
  const parent = `00-${TRACE}-${PARENT}-01`;
  const seen = new Set<string>();
  for (const [sequence, raw] of [
    [],
    ["traceparent", parent.slice(0, 20), "traceparent", parent.slice(20)],
    ["traceparent", "nonsense", "tracestate", "a=1"],
    ["traceparent", parent, "traceparent", parent, "tracestate", "a=1"],
  ].entries()) {
    const made = traceOf(raw, seedOf(sequence));
    t.same(traceOf(raw, seedOf(sequence)), made, "the same whenever it is asked for");
    t.match(made, { isNew: true, isSampled: false, state: "" });
    t.match(made.traceparent, /^00-[0-9a-f]{32}-[0-9a-f]{16}-02$/);
    const { traceId, parentId } = made;
    t.match(parseTraceparent(made.traceparent), { traceId, parentId });
    seen.add(made.traceId);
  }
  t.equal(seen.size, 4);
});
