/**
 * Where the reply of a handler goes that runs within `context.next()`, or in a wrapper: not to the
 * client but, as a Response, to who has called it. Thread: the engine's.
 */
import type { Exchange, TakenReply } from "./exchange.ts";

/** The newest one of each request; mostly there is none, so that requests pay nothing. */
const sinks = new WeakMap<Exchange, ReplySink>();

export class ReplySink {
  readonly response: Promise<Response>;
  deliver!: (response: Response) => void;
  refuse!: (error: unknown) => void;
  reply: TakenReply | null = null;
  /** The handler has returned: what is asked for from now on is not its reply. */
  isSettled = false;
  /** That of the handler which has called this one. */
  readonly outer: ReplySink | null;

  constructor(outer: ReplySink | null) {
    this.outer = outer;
    this.response = new Promise((resolve, reject) => {
      this.deliver = resolve;
      this.refuse = reject;
    });
    this.response.catch(() => {}); // who waits for the handler alone has its error from there
  }
}

/**
 * The one that a reply taken now goes to; null: to the client. A handler whose head has gone on to
 * its caller has it as long as it runs, for it may ask for its writer again.
 */
export function sinkOf(exchange: Exchange): ReplySink | null {
  let sink = sinks.get(exchange) ?? null;
  while (sink !== null && sink.isSettled) sink = sink.outer;
  return sink;
}

/** What `call` gives, or, if it takes the writer, what is written: as soon as its head is known. */
export async function replyOr(exchange: Exchange, call: () => unknown): Promise<unknown> {
  const sink = new ReplySink(sinkOf(exchange));
  sinks.set(exchange, sink);
  return await Promise.race([sink.response, settled(sink, call)]);
}

async function settled(sink: ReplySink, call: () => unknown): Promise<unknown> {
  let value: unknown;
  try {
    value = await call();
    sink.isSettled = true;
  } catch (error) {
    sink.isSettled = true;
    if (sink.reply?.fail(error) !== true) throw error;
    return await sink.response;
  }
  if (sink.reply === null) return value;
  sink.reply.returned(value);
  return await sink.response;
}
