/**
 * Connections of which all further requests go to one handler, as that has asked for: nothing is
 * matched for them, and between them no clock runs. Native knows such a connection by a flag of its
 * slot: it keeps the connection with this thread and answers nothing of it by itself.
 * Thread: the engine's.
 */
import type { Handler, HandlerObject } from "../shared/app.ts";
import { FLAG_KEEP_ALIVE, SLOT_FLAG_PINNED, SLOT_FLAGS, SLOT_WORDS } from "../shared/layout.ts";
import { isHandler } from "./compiled-route.ts";
import type { Connection } from "./connections.ts";
import type { EnteredRoute } from "./entered-route.ts";
import type { Exchange } from "./exchange.ts";
import { Plan } from "./plan.ts";
import { handlerStep, type HandlerStep } from "./step.ts";

/** What pins ask of their engine. */
export interface PinsHost {
  readonly slots: Int32Array;
  readonly entered: EnteredRoute;
  readonly upgrades: { readonly isRetired: boolean };
  connectionOf(exchange: Exchange): Connection;
  isStopping(listener: number): boolean;
}

interface Pin {
  readonly generation: number;
  readonly step: HandlerStep;
}

export class Pins {
  readonly #host: PinsHost;
  /** By slot. */
  readonly #pins = new Map<number, Pin>();

  constructor(host: PinsHost) {
    this.#host = host;
  }

  get count(): number {
    return this.#pins.size;
  }

  /** False: the connection ends with this answer, or soon, so it cannot be. */
  pin(exchange: Exchange, handler: Handler | undefined): boolean {
    if (handler !== undefined && !isHandler(handler)) {
      throw new TypeError("pin: the argument is no handler");
    }
    const { slot, generation, flags, listener } = exchange;
    const connection = this.#host.connectionOf(exchange);
    const ends = (flags & FLAG_KEEP_ALIVE) === 0 || this.#host.isStopping(listener);
    if (ends || connection.closed || this.#host.upgrades.isRetired) return false;
    const step = pinnedStep(exchange, handler);
    this.#host.entered.mark([step]);
    this.#pins.set(slot, { generation, step });
    connection.onClose(() => this.#drop(slot, generation), this);
    this.#host.slots[slot * SLOT_WORDS + SLOT_FLAGS]! |= SLOT_FLAG_PINNED;
    return true;
  }

  unpin({ slot, generation }: Exchange): void {
    if (!this.#drop(slot, generation)) return;
    this.#host.slots[slot * SLOT_WORDS + SLOT_FLAGS]! &= ~SLOT_FLAG_PINNED;
  }

  /** The steps of a request: first the handler that has its connection, if one has. */
  before(plan: Plan, slot: number, generation: number): Plan {
    const pin = this.#pins.get(slot);
    if (pin === undefined || pin.generation !== generation) return plan;
    // What has no path is nobody's: a malformed target is 400.
    if (plan.steps[0]!.kind === "malformed") return plan;
    return new Plan().add(pin.step).upTo(1, plan);
  }

  #drop(slot: number, generation: number): boolean {
    return this.#pins.get(slot)?.generation === generation && this.#pins.delete(slot);
  }
}

/**
 * Without the `match` of its object, and without parameters: no path has led to it. What the object
 * says of bodies and of time counts all the same.
 */
function pinnedStep(exchange: Exchange, given: Handler | undefined): HandlerStep {
  const present = exchange.step;
  if (present.kind !== "handler") throw new TypeError("pin: no handler is running any more");
  const step = given === undefined ? present : handlerStep(given, null);
  const { id, route } = present;
  const { handler, owner, rules, times } = step;
  const bound: HandlerObject = {
    handle: (request, context) => handler.call(owner, request, context, context),
  };
  return { ...handlerStep(bound, null), id, route, rules, times };
}
