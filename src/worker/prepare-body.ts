/**
 * What happens to a body between a handler being chosen and its being called: its declared length
 * is held against the handler's own limits, and where the handler wants it whole it is waited for.
 * Thread: the engine's.
 */
import { FLAG_CHUNKED } from "../shared/layout.ts";
import { declaredMax, tooLarge } from "./body-rules.ts";
import type { Exchange } from "./exchange.ts";
import type { HandlerStep } from "./plan.ts";
import { ReadyBody } from "./ready-body.ts";
import { RequestBody } from "./request-body.ts";

/** A promise: the handler has to wait for it. Throws the HttpError that refuses the body. */
export function prepareBody(exchange: Exchange, step: HandlerStep): Promise<void> | null {
  const limit = declaredMax(exchange.bodyLimits);
  // Of a chunked body all may have come or not: the answer must not depend on that.
  const isDeclared = (exchange.flags & FLAG_CHUNKED) === 0;
  if (limit > 0 && isDeclared && exchange.received!.length > limit) throw tooLarge(limit);
  return step.rules?.buffered === true && exchange.body instanceof RequestBody
    ? buffer(exchange, exchange.body)
    : null;
}

async function buffer(exchange: Exchange, body: RequestBody): Promise<void> {
  const whole = await body.bytes();
  exchange.body = new ReadyBody(Buffer.from(whole.buffer), 0, whole.length, exchange);
}
