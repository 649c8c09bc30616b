/**
 * What native tells of connections beside requests: pieces of bodies, sockets that take bytes
 * again, ends, refused input, answers that have left. Thread: the engine's.
 */
import { HttpError } from "../shared/errors.ts";
import {
  CLOSED_BAD_BODY,
  CLOSED_END,
  CLOSED_HANDLER_TIMEOUT,
  CLOSED_RESET,
  CLOSED_TIMEOUT,
  CONTROL_RETIRED,
  EVENT_BODY_BUFFER,
  EVENT_BODY_LENGTH,
  EVENT_BODY_OFFSET,
  EVENT_FLAGS,
  EVENT_GENERATION,
  EVENT_LISTENER,
  EVENT_SLOT,
  KIND_BODY,
  KIND_BODY_END,
  KIND_CLOSED,
  KIND_CONTROL,
  KIND_DONE,
  KIND_MALFORMED,
  KIND_REFUSED,
  KIND_WRITABLE,
} from "../shared/layout.ts";
import type { Answers } from "./answers.ts";
import type { BodyBuffers } from "./body-buffers.ts";
import type { ClientErrors } from "./client-errors.ts";
import { type Connections, type ConnectionState, peerGone } from "./connections.ts";
import type { Failures } from "./failures.ts";
import type { HandlerClocks } from "./handler-clocks.ts";
import type { Hooks } from "./hooks.ts";
import { RequestBody } from "./request-body.ts";
import type { Rings } from "./rings.ts";
import type { UpgradedConnection } from "./upgraded-connection.ts";

/** Whom the events concern. */
export interface EventTargets {
  readonly rings: Rings;
  readonly connections: Connections;
  readonly answers: Answers;
  readonly failures: Failures;
  readonly clocks: HandlerClocks;
  /** Null: no app has any. */
  hooks(): Hooks | null;
  readonly clientErrors: ClientErrors;
  readonly bodyBuffers: BodyBuffers;
  readonly onDrained: (listener: number) => void;
  readonly onRetired: () => void;
}

export class ConnectionEvents {
  readonly #to: EventTargets;

  constructor(to: EventTargets) {
    this.#to = to;
  }

  /** The event at `base`, whose bytes lie in `slab`. */
  take(base: number, slab: Buffer): void {
    const { events } = this.#to.rings;
    switch (events[base]) {
      case KIND_CONTROL:
        this.#control(events[base + EVENT_LISTENER]!);
        break;
      case KIND_REFUSED:
        this.#to.hooks()?.refused(base);
        break;
      case KIND_DONE:
        this.#to.hooks()?.done(base);
        break;
      case KIND_MALFORMED:
        this.#malformed(base, slab);
        break;
      default:
        this.#ofConnection(base, slab);
    }
  }

  #control(listener: number): void {
    if (listener === CONTROL_RETIRED) this.#to.onRetired();
    else this.#to.onDrained(listener);
  }

  #ofConnection(base: number, slab: Buffer): void {
    const { events } = this.#to.rings;
    const slot = events[base + EVENT_SLOT]!;
    const state = this.#to.connections.find(slot, events[base + EVENT_GENERATION]!);
    if (state === undefined) return;
    if (state.upgraded !== null) {
      this.#ofUpgraded(state, state.upgraded, base, slab);
      return;
    }
    switch (events[base]) {
      case KIND_BODY:
        this.#pushBody(state, base, slab);
        break;
      case KIND_BODY_END:
        this.#endBody(state, base, slab);
        break;
      case KIND_WRITABLE:
        this.#to.answers.resume(state);
        break;
      case KIND_CLOSED:
        this.#closed(state, events[base + EVENT_FLAGS]!);
        break;
      default:
        break;
    }
  }

  #ofUpgraded(
    state: ConnectionState,
    upgraded: UpgradedConnection,
    base: number,
    slab: Buffer,
  ): void {
    const { rings, connections, bodyBuffers } = this.#to;
    const { events } = rings;
    if (events[base] !== KIND_CLOSED) {
      upgraded.take(events, base, slab, bodyBuffers);
      return;
    }
    const reason = events[base + EVENT_FLAGS]!;
    // Of the exchange before 101, told late.
    if (reason === CLOSED_END || reason === CLOSED_HANDLER_TIMEOUT) return;
    connections.forget(state.slot);
    upgraded.close(reason);
    state.info?.runCloseHandlers();
  }

  #malformed(base: number, slab: Buffer): void {
    const { events } = this.#to.rings;
    const offset = events[base + EVENT_BODY_OFFSET]!;
    const lines = slab.subarray(offset, offset + events[base + EVENT_BODY_LENGTH]!);
    const listener = events[base + EVENT_LISTENER]!;
    this.#to.clientErrors.refused(listener, events[base + EVENT_FLAGS]!, lines);
  }

  #pushBody(state: ConnectionState, base: number, slab: Buffer): void {
    const body = bodyOf(state);
    if (body === null) return;
    const { events } = this.#to.rings;
    const buffer = events[base + EVENT_BODY_BUFFER]!;
    const offset = events[base + EVENT_BODY_OFFSET]!;
    const length = events[base + EVENT_BODY_LENGTH]!;
    if (buffer < 0) body.push(slab, offset, length);
    else this.#to.bodyBuffers.hand(body, buffer, offset, length);
  }

  #endBody(state: ConnectionState, base: number, slab: Buffer): void {
    const { events } = this.#to.rings;
    const reason = events[base + EVENT_FLAGS]!;
    const body = bodyOf(state);
    state.reading = null;
    if (body === null) return;
    if (reason !== 0) {
      body.fail(bodyError(reason));
      return;
    }
    const length = events[base + EVENT_BODY_LENGTH]!;
    const at = events[base + EVENT_BODY_OFFSET]!;
    body.end(length === 0 ? "" : slab.toString("latin1", at, at + length));
  }

  #closed(state: ConnectionState, reason: number): void {
    const { connections, answers, clientErrors, clocks, failures } = this.#to;
    if (reason === CLOSED_HANDLER_TIMEOUT) {
      for (const exchange of state.pending) {
        if (exchange.isAnswered) continue;
        // One whose handler has a clock of its own obeys that.
        if (!clocks.has(exchange)) failures.expire(exchange);
        return;
      }
      return;
    }
    // Of pipelined requests all lose their reader at once.
    const pending = [...state.pending];
    // Those of them that have not asked for their signal yet have one now, too.
    for (const exchange of pending) exchange.abort ??= new AbortController();
    if (reason !== CLOSED_END) {
      connections.forget(state.slot);
      answers.dropWaiting(state);
      bodyOf(state)?.fail(bodyError(CLOSED_BAD_BODY));
      state.pump?.cancel();
    }
    // What the server has cut by itself aborts none: who makes or reads a body has been told.
    const isPeerGone = reason === CLOSED_END || reason === CLOSED_RESET;
    for (const exchange of pending) {
      clientErrors.vanished(exchange, reason, state.info);
      if (isPeerGone) exchange.abort!.abort(peerGone());
      if (reason !== CLOSED_END) answers.countLost(exchange);
    }
    if (reason !== CLOSED_END) state.info?.runCloseHandlers();
  }
}

function bodyOf(state: ConnectionState): RequestBody | null {
  const body = state.reading?.received;
  return body instanceof RequestBody ? body : null;
}

function bodyError(reason: number): HttpError {
  return reason === CLOSED_TIMEOUT
    ? new HttpError(408, "the body made no progress", {
        close: true,
        code: "ERR_MILLRACE_BODY_TIMEOUT",
      })
    : new HttpError(400, "the body was cut short", {
        close: true,
        code: "ERR_MILLRACE_BODY_TRUNCATED",
      });
}
