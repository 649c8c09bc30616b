/** Tests of the memory that a thread reports. */
import t from "tap";
import { until } from "../support/deadline.ts";
import { reportMemory } from "../../src/worker/memory-report.ts";

const MEBIBYTE = 2 ** 20;

t.test("what is kept is counted, buffers included; nothing once it has ended", async (t) => {
  const memory = new SharedArrayBuffer(8);
  const word = new Float64Array(memory);
  const end = reportMemory(memory);
  t.equal(word[0], 0, "not known yet");
  await until("a figure", () => word[0]! > 0);
  // Half of the buffer is room for what was garbage in the first figure and is collected since.
  const before = word[0]!;
  const kept = Buffer.alloc(256 * MEBIBYTE);
  await until("the buffer to be in it", () => word[0]! > before + 128 * MEBIBYTE);
  t.equal(kept.length, 256 * MEBIBYTE);
  end();
  word[0] = -1;
  await new Promise((resolve) => setTimeout(resolve, 600));
  t.equal(word[0], -1);
});
