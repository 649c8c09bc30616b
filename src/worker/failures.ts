/**
 * What becomes of an error: head not sent, an answer; head sent, the connection is aborted. Every
 * failure of a handler, of the app's error hook and of a body that is being sent ends here, and
 * nothing else in JavaScript answers for one. Whatever an app throws is handled, also what throws
 * again when it is looked at. Thread: the engine's.
 */
import type { Log, MillraceRequest } from "../shared/app.ts";
import { HttpError } from "../shared/errors.ts";
import type { AnswerSink } from "./answer-sink.ts";
import { discard } from "./body.ts";
import type { HandlerContext } from "./context.ts";
import { describe, errorPage, textParts } from "./error-page.ts";
import type { Exchange } from "./exchange.ts";
import { openHeaders, type ResponseParts, withOwnHeaders } from "./response-parts.ts";
import { toParts } from "./response.ts";

/** What failures ask of their engine. */
export interface FailureHost {
  readonly log: Log;
  /** Answers show what went wrong. */
  readonly isDevelopment: boolean;
  /** The exchange waits for a promise: its connection must know of it. */
  track(exchange: Exchange): void;
}

/** Makes an answer of what a handler has returned; throws for what is none. */
export type PartsOf = (exchange: Exchange, value: unknown) => ResponseParts;

/** After as many answers that could not be given, the next one is ours. */
const FAILURES_MAX = 2;

const FAULT_TEXT = "Internal Server Error";

export class Failures {
  readonly #answers: AnswerSink;
  readonly #host: FailureHost;
  readonly #partsOf: PartsOf;

  constructor(answers: AnswerSink, host: FailureHost, partsOf: PartsOf) {
    this.#answers = answers;
    this.#host = host;
    this.#partsOf = partsOf;
  }

  /** A handler has thrown or rejected, or a body failed before any of its answer was sent. */
  fail(exchange: Exchange, error: unknown): void {
    if (exchange.isAnswered) {
      this.#failedLate(exchange, error);
      return;
    }
    // An answer to a failure may fail as well, and its replacement, and so on.
    const isLast = ++exchange.failures > FAILURES_MAX;
    if (!isLast && this.#answerThrown(exchange, error)) return;
    if (exchange.target.table.app.error === undefined || isLast) this.#answerFault(exchange, error);
    else void this.#askHook(exchange, error);
  }

  /** Nothing can take the place of the answer: the hook is told, as of a body, and no more. */
  #failedLate(exchange: Exchange, error: unknown): void {
    this.#report(exchange, error, `${exchange.routeName} failed after its answer`);
    if (isAnswer(error)) discardValue(error);
    else if (exchange.target.table.app.error !== undefined) void this.#tellHook(exchange, error);
  }

  /** A body has failed behind its head. The connection is cut; the hook is told, and no more. */
  cut(exchange: Exchange, error: unknown): void {
    this.#answers.abort(exchange);
    if (isQuiet(error)) return;
    this.#report(exchange, error, `the body of ${exchange.routeName} failed`);
    if (exchange.target.table.app.error !== undefined) void this.#tellHook(exchange, error);
  }

  /** The handler clock has run out: the answer is ours now. */
  expire(exchange: Exchange): void {
    const log = exchange.context?.log ?? this.#host.log;
    log.error(`${exchange.routeName} took longer than handlerTimeoutMs`);
    const text = "the handler took too long";
    this.#answers.answer(exchange, textParts(503, text), true);
  }

  /** A thrown Response or HttpError says itself what the answer is. */
  #answerThrown(exchange: Exchange, error: unknown): boolean {
    try {
      if (error instanceof Response) {
        this.#answers.answer(exchange, this.#partsOf(exchange, error), false);
        return true;
      }
      if (!(error instanceof HttpError)) return false;
      if (error.log) this.#report(exchange, error, `${exchange.routeName} failed`);
      const parts = this.#edited(exchange, this.#partsOfError(exchange, error));
      this.#answers.answer(exchange, parts, error.close);
      return true;
    } catch (second) {
      // A Response that was sent before, headers that are none, an object that throws when asked.
      this.#report(exchange, second, `${exchange.routeName} threw what cannot be answered with`);
      this.#answerFault(exchange, error);
      return true;
    }
  }

  async #askHook(exchange: Exchange, error: unknown): Promise<void> {
    this.#host.track(exchange);
    try {
      const request = exchange.open() as unknown as MillraceRequest;
      const value = await exchange.target.table.app.error!(error, request);
      if (value === undefined) this.#answerFault(exchange, error);
      else if (exchange.isAnswered) discardValue(value);
      else {
        const parts = this.#edited(exchange, this.#partsOf(exchange, value));
        this.#answers.answer(exchange, parts, false);
      }
    } catch (second) {
      if (!exchange.isAnswered && isAnswer(second)) {
        this.fail(exchange, second);
        return;
      }
      this.#report(exchange, second, "the app's error hook failed");
      if (!exchange.isAnswered) this.#answerFault(exchange, error);
    }
  }

  async #tellHook(exchange: Exchange, error: unknown): Promise<void> {
    try {
      const request = exchange.open() as unknown as MillraceRequest;
      discardValue(await exchange.target.table.app.error!(error, request));
    } catch (second) {
      if (isAnswer(second)) discardValue(second);
      else this.#report(exchange, second, "the app's error hook failed");
    }
  }

  #answerFault(exchange: Exchange, error: unknown): void {
    this.#report(exchange, error, `${exchange.routeName} failed`);
    const parts = this.#host.isDevelopment
      ? errorPage(exchange, error, { status: 500 })
      : textParts(500, FAULT_TEXT);
    this.#answers.answer(exchange, this.#edited(exchange, parts), false);
  }

  /** As wrappers would have it that the error has gone through. */
  #edited(exchange: Exchange, parts: ResponseParts): ResponseParts {
    const edits = (exchange.context as HandlerContext | null)?.failureEdits ?? null;
    if (edits === null || parts.status < 200) return parts;
    const copy = withOwnHeaders(parts);
    const headers = openHeaders(copy) as unknown as Headers;
    try {
      for (const edit of edits) edit(headers);
      return copy;
    } catch (error) {
      this.#report(exchange, error, `a wrapper of ${exchange.routeName} failed`);
      return parts;
    }
  }

  #partsOfError(exchange: Exchange, error: HttpError): ResponseParts {
    const { status, message, expose, headers } = error;
    if (this.#host.isDevelopment) return errorPage(exchange, error, { status, headers });
    const isShown = expose && message !== "";
    return textParts(status, isShown ? message : `error ${status}`, headers);
  }

  /** With the request's names, if it has any. A Proxy may throw when it is asked what it is. */
  #report(exchange: Exchange, error: unknown, text: string): void {
    const log = exchange.context?.log ?? this.#host.log;
    try {
      log.error({ err: error instanceof Error ? error : describe(error) }, text);
    } catch {
      log.error(text);
    }
  }
}

/** What the app has let through although it is not at fault: a body that its client cut short. */
function isQuiet(error: unknown): boolean {
  try {
    return error instanceof HttpError && !error.log;
  } catch {
    return false;
  }
}

function isAnswer(error: unknown): boolean {
  try {
    return error instanceof HttpError || error instanceof Response;
  } catch {
    return false;
  }
}

/** An answer that comes too late: the producer of its body is told. */
export function discardValue(value: unknown): void {
  try {
    discard(toParts(value)?.body);
  } catch {
    // It was no answer either.
  }
}
