/**
 * Where the reply of a handler goes that runs within `context.next()`, or in a wrapper: not to the
 * client but, as a Response, to who has called it. Thread: the engine's.
 */
import type { Exchange, TakenReply } from "./exchange.ts";

/** The innermost one of each request; mostly there is none, so that requests pay nothing. */
const sinks = new WeakMap<Exchange, ReplySink>();

export class ReplySink {
  readonly response: Promise<Response>;
  deliver!: (response: Response) => void;
  refuse!: (error: unknown) => void;
  reply: TakenReply | null = null;

  constructor() {
    this.response = new Promise((resolve, reject) => {
      this.deliver = resolve;
      this.refuse = reject;
    });
    this.response.catch(() => {}); // who waits for the handler alone has its error from there
  }
}

/** The one that a reply taken now goes to; null: to the client. */
export function sinkOf(exchange: Exchange): ReplySink | null {
  return sinks.get(exchange) ?? null;
}

/** What `call` gives, or, if it takes the writer, what is written: as soon as its head is known. */
export async function replyOr(exchange: Exchange, call: () => unknown): Promise<unknown> {
  const outer = sinks.get(exchange);
  const sink = new ReplySink();
  sinks.set(exchange, sink);
  try {
    return await Promise.race([sink.response, settled(sink, call)]);
  } finally {
    if (outer === undefined) sinks.delete(exchange);
    else sinks.set(exchange, outer);
  }
}

async function settled(sink: ReplySink, call: () => unknown): Promise<unknown> {
  let value: unknown;
  try {
    value = await call();
  } catch (error) {
    if (sink.reply?.fail(error) !== true) throw error;
    return await sink.response;
  }
  if (sink.reply === null) return value;
  sink.reply.returned(value);
  return await sink.response;
}
