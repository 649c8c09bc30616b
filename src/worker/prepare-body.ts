/**
 * What happens to a body between a handler being chosen and its being called: its declared length
 * is held against the handler's own limits, it is decoded if the handler wants that, and where the
 * handler wants it whole it is waited for. Thread: the engine's.
 */
import { HttpError } from "../shared/errors.ts";
import { FLAG_CHUNKED } from "../shared/layout.ts";
import { declaredMax, tooLarge } from "./body-rules.ts";
import { ACCEPTED, codingsOf } from "./codings.ts";
import { DecodedBody } from "./decoded-body.ts";
import type { Exchange } from "./exchange.ts";
import type { HandlerStep } from "./plan.ts";
import { ReadyBody } from "./ready-body.ts";

/** A promise: the handler has to wait for it. Throws the HttpError that refuses the body. */
export function prepareBody(exchange: Exchange, step: HandlerStep): Promise<void> | null {
  const limit = declaredMax(exchange.bodyLimits);
  // Of a chunked body all may have come or not: the answer must not depend on that.
  const isDeclared = (exchange.flags & FLAG_CHUNKED) === 0;
  if (limit > 0 && isDeclared && exchange.received!.length > limit) throw tooLarge(limit);
  const { rules } = step;
  const settings = exchange.site.settings;
  if (rules?.decodeBodies ?? settings.decodeBodies) decode(exchange);
  if (rules?.buffered !== true || exchange.body instanceof ReadyBody) return null;
  return buffer(exchange);
}

/** Once: a handler behind one that has declined finds the body decoded. */
function decode(exchange: Exchange): void {
  if (exchange.isDecoded) return;
  const field = exchange.find("content-encoding");
  if (field === undefined) return;
  const codings = codingsOf(field);
  if (codings === null) {
    throw new HttpError(415, `no such content coding here: ${ACCEPTED} are known`, {
      headers: { "accept-encoding": ACCEPTED },
    });
  }
  if (codings.length === 0) return;
  exchange.show(new DecodedBody(exchange.body!, codings, exchange));
}

async function buffer(exchange: Exchange): Promise<void> {
  const whole = await exchange.body!.bytes();
  const body = new ReadyBody(Buffer.from(whole.buffer), 0, whole.length, exchange, false);
  exchange.showWhole(body);
}
