/**
 * A bounded run of the fuzzers with a fixed seed; `npm run fuzz` runs them for as long as asked
 * for. A finding shows the bytes that make it: turn them into a transcript, or into a rule with its
 * reason in test/support/fuzz/rules.ts.
 */
import t from "tap";
import { sanitized } from "../support/environment.ts";
import { fuzzBoundaries, fuzzFraming } from "../support/fuzz/fuzz.ts";

const SEED = 20_260_727;
const ROUNDS = sanitized ? 300 : 1000;

t.test("framing is what node:http makes of it, or a rule says why not", async (t) => {
  t.comment(`seed ${SEED}, ${ROUNDS} inputs`);
  t.strictSame(await fuzzFraming(t, { seed: SEED, rounds: ROUNDS, workers: 0 }), []);
});

t.test("packet boundaries change no answer", async (t) => {
  t.comment(`seed ${SEED}, ${ROUNDS} inputs`);
  t.strictSame(await fuzzBoundaries(t, { seed: SEED, rounds: ROUNDS, workers: 0 }), []);
});
