/**
 * Answers on their way out: each is written when all earlier requests of its connection have been
 * answered and the socket takes bytes. Until then it stays an object here, so that neither a
 * pipeline nor a slow reader fills native memory. Thread: the engine's.
 */
import {
  KIND_ABORT,
  SLOT_NEXT_SEQUENCE,
  SLOT_UNSENT,
  SLOT_WORDS,
} from "../shared/layout.ts";
import { AnswerWriter, REQUEST_FLAGS, SAFE_TEXT_LENGTH } from "./answer-writer.ts";
import { discard } from "./body.ts";
import { type Connections, type ConnectionState, endedBefore } from "./connections.ts";
import type { Exchange, ExchangeHost } from "./exchange.ts";
import type { Meter } from "./meter.ts";
import { RequestBody } from "./request-body.ts";
import type { ResponseParts } from "./response-parts.ts";
import type { Rings } from "./rings.ts";

/** What an interim answer takes in memory beside its lines, roughly. */
const INTERIM_BYTES = 64;

export class Answers {
  readonly #rings: Rings;
  readonly #connections: Connections;
  readonly #writer: AnswerWriter;
  readonly #host: ExchangeHost;
  #shortTextMax: number;
  /** Null while nobody counts. */
  meter: Meter | null = null;
  /** Answers that wait behind others or for a socket, of all connections: mostly none. */
  #waiting = 0;

  constructor(rings: Rings, connections: Connections, host: ExchangeHost) {
    this.#rings = rings;
    this.#connections = connections;
    this.#host = host;
    this.#shortTextMax = SAFE_TEXT_LENGTH;
    this.#writer = new AnswerWriter(rings, connections, host, this);
  }

  /** UTF-16 units up to which no text of any listener is compressed; below 0: none is so short. */
  set plainTextMax(length: number) {
    this.#shortTextMax = Math.min(SAFE_TEXT_LENGTH, length);
  }

  /**
   * The short way for an answer that needs no Exchange: text, no headers of its own, in its turn.
   * False: it has not been taken.
   */
  tryText(
    slot: number,
    generation: number,
    sequence: number,
    flags: number,
    parts: ResponseParts,
  ): boolean {
    const body = parts.body;
    const at = slot * SLOT_WORDS + SLOT_NEXT_SEQUENCE;
    const slots = this.#rings.slots;
    if (
      typeof body !== "string" ||
      parts.headers !== null ||
      parts.contentType < 0 ||
      parts.statusText !== "" ||
      parts.status === 0 ||
      body.length > this.#shortTextMax ||
      slots[at] !== sequence ||
      slots[at + (SLOT_UNSENT - SLOT_NEXT_SEQUENCE)] !== 0
    ) {
      return false;
    }
    const { status, contentType } = parts;
    const kept = flags & REQUEST_FLAGS;
    this.#rings.respondText(slot, generation, kept, status, contentType, "", body);
    slots[at] = sequence + 1;
    if (this.#waiting > 0) this.#next(slot, generation);
    return true;
  }

  /** Answers a request, once; a later answer is discarded. `close`: the connection ends with it. */
  answer(exchange: Exchange, parts: ResponseParts, close: boolean): void {
    if (exchange.isAnswered) return;
    exchange.isAnswered = true;
    const { slot, generation, sequence } = exchange;
    if (!this.#connections.isOpen(slot, generation)) {
      discard(parts.body);
      this.lose(exchange);
      return;
    }
    if (!close && this.meter === null && exchange.site.filter === null && exchange.isPlain) {
      if (this.tryText(slot, generation, sequence, exchange.flags, parts)) {
        exchange.isComplete = true;
        return;
      }
    }
    const isNext = this.#rings.slots[slot * SLOT_WORDS + SLOT_NEXT_SEQUENCE] === sequence;
    const outputBytesMax = exchange.site.settings.outputBytesMax;
    if (isNext && !this.#isBehind(slot, outputBytesMax)) {
      this.#writer.write(exchange, parts, close);
      return;
    }
    this.#waiting++;
    const write = (): void => {
      if (this.#connections.isOpen(slot, generation)) {
        this.#writer.write(exchange, parts, close);
        return;
      }
      discard(parts.body);
      this.lose(exchange);
    };
    this.#connections.of(slot, generation).waiting.set(sequence, { write, outputBytesMax });
    if (isNext) this.#rings.notify(slot, generation); // `resume` follows
  }

  /** Sends an interim answer when the exchange has its turn; the connection may have gone. */
  interim(exchange: Exchange, status: number, lines: string): void {
    const { slot, generation, sequence } = exchange;
    if (!this.#connections.isOpen(slot, generation)) return;
    if (this.#rings.slots[slot * SLOT_WORDS + SLOT_NEXT_SEQUENCE] === sequence) {
      this.#rings.interim(slot, generation, status, lines);
      return;
    }
    const state = this.#connections.of(slot, generation);
    const held = state.interim.get(sequence) ?? { bytes: 0, answers: [] };
    if (held.answers.length === 0) {
      state.interim.set(sequence, held);
      this.#waiting++;
    }
    held.answers.push({ status, lines });
    held.bytes += lines.length + INTERIM_BYTES;
    if (held.bytes > exchange.site.settings.outputHardBytesMax) {
      this.abort(exchange);
    }
  }

  /** Closes the connection without an answer. */
  abort(exchange: Exchange): void {
    exchange.isAnswered = true;
    exchange.isComplete = true;
    this.#rings.signal(KIND_ABORT, exchange.slot, exchange.generation);
    this.lose(exchange);
  }

  /** The socket has taken what was written. */
  resume(state: ConnectionState): void {
    if (state.pump !== null) state.pump.resume();
    else if (this.#waiting > 0) this.#next(state.slot, state.generation);
  }

  /** The connection has gone: nobody waits any more for what stands behind other answers. */
  dropWaiting({ waiting, interim }: ConnectionState): void {
    this.#waiting -= waiting.size + interim.size;
    interim.clear();
    for (const { write } of waiting.values()) write();
    waiting.clear();
  }

  /** The answer is in the ring: the next one of the connection has its turn. */
  complete(exchange: Exchange, status: number, sent: number): void {
    const { slot, generation, sequence } = exchange;
    this.#rings.slots[slot * SLOT_WORDS + SLOT_NEXT_SEQUENCE] = sequence + 1;
    exchange.isComplete = true;
    this.#finish(exchange, status, sent);
    if (this.#waiting > 0) this.#next(slot, generation);
  }

  /** The connection ends with this answer: who works on one behind it is told. */
  end({ slot, generation, sequence }: Exchange): void {
    const state = this.#connections.of(slot, generation);
    state.last = sequence;
    for (const exchange of state.pending) {
      if (exchange.sequence > sequence) {
        (exchange.abort ??= new AbortController()).abort(endedBefore());
      }
    }
  }

  /** More waits to be sent than may: as known since the last send, so an arena may be on top. */
  #isBehind(slot: number, outputBytesMax: number): boolean {
    return this.#rings.slots[slot * SLOT_WORDS + SLOT_UNSENT]! > outputBytesMax;
  }

  /** Nobody waits for it any more: its connection ended before the answer was complete. */
  lose(exchange: Exchange): void {
    this.#host.decideSignal(exchange);
    this.#finish(exchange, 0, 0);
  }

  /** Its client has gone; its handler may run on, and read what has come of its body. */
  countLost(exchange: Exchange): void {
    if (this.meter !== null) this.meter.endExchange(exchange, 0, 0);
    exchange.releaseBody();
    exchange.onOver?.();
  }

  #finish(exchange: Exchange, status: number, sent: number): void {
    if (this.meter !== null) this.meter.endExchange(exchange, status, sent);
    const state = this.#connections.find(exchange.slot, exchange.generation);
    if (exchange.received instanceof RequestBody) {
      exchange.received.drop();
      // What still comes is nobody's, and must not hold the slab of an idle connection.
      if (state !== undefined && state.reading === exchange) state.reading = null;
    }
    if (exchange.received !== null) exchange.releaseBody();
    exchange.onOver?.();
    state?.pending.delete(exchange);
  }

  #next(slot: number, generation: number): void {
    const state = this.#connections.find(slot, generation);
    if (state === undefined) return;
    const sequence = this.#rings.slots[slot * SLOT_WORDS + SLOT_NEXT_SEQUENCE]!;
    if (state.interim.size > 0) this.#sendInterim(state, sequence);
    const answer = state.waiting.get(sequence);
    if (answer === undefined) return;
    if (this.#isBehind(slot, answer.outputBytesMax)) {
      this.#rings.notify(slot, generation); // `resume` follows
      return;
    }
    state.waiting.delete(sequence);
    this.#waiting--;
    answer.write();
  }

  #sendInterim(state: ConnectionState, sequence: number): void {
    const held = state.interim.get(sequence);
    if (held === undefined) return;
    state.interim.delete(sequence);
    this.#waiting--;
    for (const { status, lines } of held.answers) {
      this.#rings.interim(state.slot, state.generation, status, lines);
    }
  }
}
