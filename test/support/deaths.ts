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

/** What a thread's error says that has died in this way; one that spins does not die by itself. */
export const ERRORS: Readonly<Record<Exclude<Way, "spin">, RegExp>> = {
  throw: /thrown on purpose/,
  rejection: /rejected on purpose/,
  exit: /exit|code 3/i,
  heap: /memory/i,
  stack: /call stack/i,
};

/** Resource limits under which a heap is full soon. */
export const SMALL_HEAP = { maxOldGenerationSizeMb: 24, maxYoungGenerationSizeMb: 4 } as const;
