/**
 * Which route's handler the worker has entered last: a word in shared memory, so that the primary
 * can name the route of a worker that does not yield. It costs one store per call of a handler.
 *
 * The word holds a number per route. The primary hears what a number means when the route is first
 * asked for, before its handler runs. Native sets the word to -1 when the loop has been through
 * what was readable, and when it sleeps: what comes then, such as a timer, is in no route.
 * Thread: the engine's.
 */
import type { Step } from "./plan.ts";

export class EnteredRoute {
  /** Word 0 is to be set to the `mark` of the step whose handler is called. */
  readonly word: Int32Array;
  readonly #marks = new Map<string, number>();
  readonly #tell: (mark: number, route: string) => void;

  constructor(memory: ArrayBuffer, tell: (mark: number, route: string) => void) {
    this.word = new Int32Array(memory);
    this.#tell = tell;
  }

  /** Gives the handlers of new steps their numbers. */
  mark(steps: readonly Step[]): void {
    for (const step of steps) if (step.kind === "handler") step.mark = this.#markOf(step.route);
  }

  #markOf(route: string): number {
    const known = this.#marks.get(route);
    if (known !== undefined) return known;
    const mark = this.#marks.size;
    this.#marks.set(route, mark);
    this.#tell(mark, route);
    return mark;
  }
}
