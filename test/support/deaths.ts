/** The ways in which a worker can die, for apps under test. Any thread but the primary. */

export type Way = "throw" | "rejection" | "exit" | "heap" | "stack" | "spin";

function throws(): never {
  throw new Error("thrown on purpose");
}

function rejects(): void {
  void Promise.reject(new Error("rejected on purpose"));
}

/** In steps: one builtin that jumps over the limit would abort the process. */
function fillHeap(): never {
  const all: number[][] = [];
  for (;;) all.push(Array.from({ length: 1000 }, (_, index) => index));
}

function overflowStack(): number {
  return overflowStack() + 1;
}

/** Until the thread is terminated. */
function spin(): never {
  for (;;);
}

export const WAYS: Readonly<Record<Way, () => unknown>> = {
  throw: throws,
  rejection: rejects,
  exit: () => process.exit(3),
  heap: fillHeap,
  stack: overflowStack,
  spin,
};

export function isWay(name: string): name is Way {
  return Object.hasOwn(WAYS, name);
}
