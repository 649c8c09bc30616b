/**
 * The fuzzers: bytes from a seeded generator, sent to Millrace and to node:http, or to Millrace
 * whole and in pieces. Each finding is made as small as it gets.
 */
import type { Owner } from "../folder.ts";
import { makeCuts, makeInput, makeLongInput } from "./inputs.ts";
import { type MillraceSide, seenIn, startMillrace } from "./millrace-side.ts";
import { type NodeSide, startNode } from "./node-side.ts";
import { Random } from "./random.ts";
import { disagreement } from "./rules.ts";
import { shrink } from "./shrink.ts";

export interface Finding {
  readonly what: string;
  /** The smallest bytes that show it, as a literal of JavaScript in latin1. */
  readonly bytes: string;
  readonly cuts?: readonly number[];
}

export interface Fuzz {
  readonly seed: number;
  readonly rounds: number;
  readonly workers: number;
}

/** What Millrace takes for requests against what node:http does. */
export async function fuzzFraming(
  owner: Owner,
  { seed, rounds, workers }: Fuzz,
): Promise<Finding[]> {
  const random = new Random(seed);
  const millrace = await startMillrace(owner, workers);
  const node = await startNode();
  owner.teardown(() => node.close());
  const findings: Finding[] = [];
  for (let round = 0; round < rounds; round++) {
    const input = makeInput(random);
    const what = await judge(millrace, node, input);
    if (what === null) continue;
    const small = await shrink(input, async (less) => await judge(millrace, node, less) === what);
    findings.push({ what, bytes: JSON.stringify(small) });
  }
  return findings;
}

async function judge(
  millrace: MillraceSide,
  node: NodeSide,
  input: string,
): Promise<string | null> {
  const [transcript, theirs] = await Promise.all([millrace.transcript(input), node.judge(input)]);
  try {
    return disagreement(input, seenIn(transcript), theirs);
  } catch (error) {
    return `an answer that is none: ${(error as Error).message}`;
  }
}

/** What Millrace answers to bytes in one piece against the same bytes in several. */
export async function fuzzBoundaries(
  owner: Owner,
  { seed, rounds, workers }: Fuzz,
): Promise<Finding[]> {
  const random = new Random(seed);
  const millrace = await startMillrace(owner, workers);
  const findings: Finding[] = [];
  for (let round = 0; round < rounds; round++) {
    const input = random.chance(0.1) ? makeLongInput(random) : makeInput(random);
    const cuts = makeCuts(random, input.length);
    if (await isSame(millrace, input, cuts)) continue;
    const bytes = await shrink(input, async (less) => !(await isSame(millrace, less, cuts)));
    findings.push({ what: "packets change the answer", bytes: JSON.stringify(bytes), cuts });
  }
  return findings;
}

async function isSame(
  millrace: MillraceSide,
  input: string,
  cuts: readonly number[],
): Promise<boolean> {
  const within = cuts.filter((cut) => cut < input.length);
  const [whole, cut] = await Promise.all([
    millrace.transcript(input),
    millrace.transcript(input, within),
  ]);
  return whole === cut;
}
