/**
 * Runs the steps of a request and turns what handlers return or decline into answers; what they
 * throw goes to `Failures`. Thread: the engine's.
 */
import type { Context, MillraceRequest } from "../shared/app.ts";
import { MillraceError } from "../shared/errors.ts";
import { FLAG_HEAD } from "../shared/layout.ts";
import { isMatch } from "../shared/match-result.ts";
import type { AnswerSink } from "./answer-sink.ts";
import type { ClientErrors } from "./client-errors.ts";
import { type ContextHost, HandlerContext } from "./context.ts";
import type { HandlerTimes } from "./body-rules.ts";
import type { EnteredRoute } from "./entered-route.ts";
import type { Exchange, TakenReply } from "./exchange.ts";
import { discardValue, type FailureHost, Failures } from "./failures.ts";
import type { HandlerClocks } from "./handler-clocks.ts";
import type { Isolation } from "./isolation.ts";
import type { FixedStep, HandlerStep, Step } from "./plan.ts";
import { prepareBody } from "./prepare-body.ts";
import { replyOr } from "./reply-sink.ts";
import { Rewrites } from "./rewrite.ts";
import type { ResponseParts } from "./response-parts.ts";
import { isLightResponse, LightResponse, responseParts, toParts } from "./response.ts";
import { checkAnswer } from "./response-rules.ts";
import type { Tracing } from "./tracing.ts";
import { checkSwitch } from "./upgrade.ts";

/** What the dispatcher asks of its engine. */
export interface DispatchHost extends ContextHost, FailureHost {
  readonly tracing: Tracing;
  readonly clientErrors: Pick<ClientErrors, "undecodable">;
  readonly entered: EnteredRoute;
  /** Of handlers that have set one of their own. */
  readonly clocks: HandlerClocks;
  /** The handler that is called has times of its own; what it does not say its listener does. */
  time(exchange: Exchange, times: Partial<HandlerTimes>): void;
}

/** Of a handler behind one that had some: those of the listener, from now on. */
const NO_TIMES: Partial<HandlerTimes> = {};

export class Dispatcher {
  readonly failures: Failures;
  readonly #answers: AnswerSink;
  readonly #host: DispatchHost;
  readonly #isolation: Isolation;
  readonly #tracing: Tracing;
  readonly #entered: Int32Array;
  readonly #rewrites: Rewrites;

  constructor(answers: AnswerSink, host: DispatchHost, isolation: Isolation) {
    this.failures = new Failures(answers, host, partsOf);
    this.#answers = answers;
    this.#host = host;
    this.#isolation = isolation;
    this.#tracing = host.tracing;
    this.#entered = host.entered.word;
    this.#rewrites = new Rewrites(host.entered);
  }

  /** Runs the step that the exchange is at. */
  run(exchange: Exchange): void {
    const { step } = exchange;
    if (step.kind !== "handler") {
      const isMalformed = step.kind === "malformed";
      if (isMalformed) this.#host.clientErrors.undecodable(exchange, FIXED_STATUS.malformed);
      this.#answers.answer(exchange, partsOfStep(step), isMalformed);
      return;
    }
    let result: unknown;
    try {
      result = this.#isolation.isOn
        ? this.#isolation.run(() => this.#call(exchange, step))
        : this.#call(exchange, step);
    } catch (error) {
      this.fail(exchange, error);
      return;
    }
    this.settle(exchange, result);
  }

  /** Goes on with what a handler has returned. */
  settle(exchange: Exchange, result: unknown): void {
    if (this.#isolation.isOn) this.#isolation.undo();
    if (isLightResponse(result)) {
      this.#settleValue(exchange, result);
      return;
    }
    let promise: Promise<unknown> | null;
    try {
      promise = promiseOf(result);
    } catch (error) {
      this.fail(exchange, error); // `then` may be an accessor of the app's
      return;
    }
    if (promise === null) {
      this.#settleValue(exchange, result);
      return;
    }
    if (!exchange.isComplete) this.#host.track(exchange);
    promise.then(
      (value) => this.#settleValue(exchange, value),
      (error: unknown) => this.fail(exchange, error),
    );
  }

  #settleValue(exchange: Exchange, value: unknown): void {
    const { reply } = exchange;
    if (reply !== null) {
      reply.returned(value);
      if (!reply.isComplete) this.#letGo(exchange, reply);
      return;
    }
    if (exchange.isAnswered) {
      discardValue(value);
      return;
    }
    if (value === undefined) {
      const refusal = (exchange.context as HandlerContext | null)?.refusal ?? null;
      if (refusal === null) this.#decline(exchange);
      else this.#answers.answer(exchange, responseParts(refusal), false);
      return;
    }
    let parts: ResponseParts;
    try {
      parts = partsOf(exchange, value);
    } catch (error) {
      this.fail(exchange, error);
      return;
    }
    this.#answers.answer(exchange, parts, false);
  }

  /**
   * From now on the app alone holds the context, as long as it may complete the reply. What log and
   * hooks ask of it another one knows as well.
   */
  #letGo(exchange: Exchange, reply: TakenReply): void {
    if (exchange.context !== null) reply.context = new WeakRef(exchange.context);
    exchange.context = new HandlerContext(this.#host, exchange);
  }

  #decline(exchange: Exchange): void {
    this.#goOn(exchange, exchange.context as HandlerContext | null);
    this.run(exchange);
  }

  #goOn(exchange: Exchange, context: HandlerContext | null): void {
    const rewrite = context?.takeRewrite() ?? null;
    if (rewrite !== null) this.#rewrites.restart(exchange, rewrite);
    // After `next()` it may stand at the last step already, which answers by itself.
    if (!isLast(exchange)) exchange.advance();
    if (this.#host.clocks.has(exchange)) this.#host.time(exchange, NO_TIMES);
  }

  /** `context.next()`: the answer of the steps behind the present one. */
  async next(exchange: Exchange, context: HandlerContext): Promise<Response> {
    this.#goOn(exchange, context);
    const { step } = exchange;
    // A copy: what the handler changes is the answer to this request alone.
    if (step.kind !== "handler") return responseOfStep(step).clone();
    const value = await replyOr(exchange, () => this.#thrownToo(exchange, step, context));
    if (value === undefined) return await this.next(exchange, context);
    if (value instanceof Response) return value;
    const parts = partsOf(exchange, value);
    return new LightResponse(parts.body as string, { status: parts.status });
  }

  /** A handler has thrown or rejected, or a body has failed before any of its answer was sent. */
  fail(exchange: Exchange, error: unknown): void {
    if (this.#isolation.isOn) this.#isolation.undo();
    if (exchange.reply !== null && exchange.reply.fail(error)) return;
    this.failures.fail(exchange, error);
  }

  /** A thrown Response is an answer as one that is returned. */
  async #thrownToo(exchange: Exchange, step: HandlerStep, context: Context): Promise<unknown> {
    try {
      return await this.#call(exchange, step, context);
    } catch (error) {
      if (error instanceof Response) return error;
      throw error;
    }
  }

  #call(
    exchange: Exchange,
    step: HandlerStep,
    context: Context = (exchange.context ??= new HandlerContext(this.#host, exchange)),
  ): unknown {
    this.#entered[0] = step.mark;
    if (!this.#tracing.isOn) return invoke(exchange, step, context);
    return this.#traced(exchange, step, context);
  }

  // A closure in `#call` would cost each call the object that holds what it captures.
  #traced(exchange: Exchange, step: HandlerStep, context: Context): unknown {
    return this.#tracing.run(exchange, context, () => invoke(exchange, step, context));
  }
}

function invoke(exchange: Exchange, step: HandlerStep, context: Context): unknown {
  const { handler, owner } = step;
  const request = shown(exchange);
  if (owner !== undefined) {
    if (owner.match !== undefined && !isMatch(owner.match(request, context), exchange)) {
      return undefined;
    }
    if (step.times !== null) exchange.host.time(exchange, step.times);
  }
  if (exchange.body !== null) {
    const isReady = prepareBody(exchange, step);
    if (isReady !== null) return invokeAfter(isReady, exchange, step, context);
    return handler.call(owner, shown(exchange), context, context); // it may have been decoded
  }
  if (owner === undefined) return handler(request, context, context);
  return handler.call(owner, request, context, context);
}

function shown(exchange: Exchange): MillraceRequest {
  return exchange.open();
}

async function invokeAfter(
  isReady: Promise<void>,
  exchange: Exchange,
  { handler, owner }: HandlerStep,
  context: Context,
): Promise<unknown> {
  await isReady;
  return await handler.call(owner, shown(exchange), context, context);
}

function isLast(exchange: Exchange): boolean {
  return exchange.at + 1 >= exchange.plan.steps.length;
}

/** A promise for what is thenable, null for anything else. */
function promiseOf(value: unknown): Promise<unknown> | null {
  if (value instanceof Promise) return value;
  const isThenable =
    typeof value === "object" && value !== null &&
    typeof (value as { then?: unknown }).then === "function";
  return isThenable ? Promise.resolve(value) : null;
}

function textParts(status: number, text: string): ResponseParts {
  return responseParts(new LightResponse(text, { status }));
}

/** Throws for what is no answer, or an answer whose body has gone. */
function partsOf(exchange: Exchange, value: unknown): ResponseParts {
  if (isLightResponse(value)) return usable(exchange, responseParts(value));
  if (typeof value === "string") return textParts(200, value);
  if (value instanceof Uint8Array || value instanceof ArrayBuffer) {
    return responseParts(new LightResponse(value as Uint8Array<ArrayBuffer>));
  }
  const parts = toParts(value);
  if (parts === null) {
    const what = value === null ? "null" : typeof value;
    throw new MillraceError(
      "ERR_MILLRACE_RESPONSE_INVALID",
      `${exchange.routeName} returned ${what}, which is no Response, string or bytes`,
    );
  }
  return usable(exchange, parts);
}

function usable(exchange: Exchange, parts: ResponseParts): ResponseParts {
  if (!parts.bodyUsed) {
    if (parts.status === 101) checkSwitch(exchange, parts);
    checkAnswer(parts, (exchange.flags & FLAG_HEAD) !== 0);
    // A stream can be sent once; text and bytes any number of times.
    const { body } = parts;
    const once = body !== null && typeof body === "object" && !(body instanceof Uint8Array);
    if (once && !(body instanceof Blob)) parts.bodyUsed = true;
    return parts;
  }
  throw new MillraceError(
    "ERR_MILLRACE_BODY_USED",
    `${exchange.routeName} returned a Response whose body has been read or sent before`,
  );
}

const FIXED_STATUS = {
  options: 204,
  "not-allowed": 405,
  "not-found": 404,
  malformed: 400,
  "not-implemented": 501,
} as const;
const FIXED_TEXT: Record<number, string> = {
  400: "malformed request target\n",
  404: "Not Found",
  405: "Method Not Allowed",
  501: "method not implemented\n",
};

function responseOfStep(step: FixedStep | Exclude<Step, HandlerStep>): Response {
  if (step.kind === "constant") return step.response;
  const status = FIXED_STATUS[step.kind];
  const headers = step.allow === "" ? undefined : { allow: step.allow };
  if (status === 204) return new LightResponse(null, { status, ...(headers && { headers }) });
  return new LightResponse(FIXED_TEXT[status], { status, ...(headers && { headers }) });
}

function partsOfStep(step: Exclude<Step, HandlerStep>): ResponseParts {
  return toParts(responseOfStep(step))!;
}
