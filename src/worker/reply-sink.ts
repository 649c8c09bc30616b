/**
 * Where the reply of a handler goes that runs within `context.next()`, or in a wrapper: not to the
 * client but, as a Response, to who has called it. Both have the same context, and may ask it for
 * their writers at the same time, so who asks is told by the async context. Thread: the engine's.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Exchange, TakenReply } from "./exchange.ts";

/** That of the innermost handler. Mostly nothing is ever run in it, so requests pay nothing. */
const running = new AsyncLocalStorage<ReplySink>();

export class ReplySink {
  readonly exchange: Exchange;
  readonly response: Promise<Response>;
  deliver!: (response: Response) => void;
  refuse!: (error: unknown) => void;
  reply: TakenReply | null = null;
  /** The app's object, as long as the handler runs, which may ask for it again. */
  held: unknown = null;
  /** The handler has returned: a writer that it has not taken yet would be nobody's. */
  isSettled = false;

  constructor(exchange: Exchange) {
    this.exchange = exchange;
    this.response = new Promise((resolve, reject) => {
      this.deliver = resolve;
      this.refuse = reject;
    });
    this.response.catch(() => {}); // who waits for the handler alone has its error from there
  }

  settle(): void {
    this.isSettled = true;
    this.held = null;
  }

  /**
   * No head comes any more, if none has come: the client has gone, or was answered by another. Who
   * waits is told once the handler has returned, which may still throw.
   */
  giveUp(): void {
    if (this.isSettled) this.deliver(Response.error());
  }
}

/** The one that the replies of the handler go to which asks; null: they go to the client. */
export function sinkOf(exchange: Exchange): ReplySink | null {
  const sink = running.getStore();
  return sink?.exchange === exchange ? sink : null;
}

/** What `call` gives, or, if it takes the writer, what is written: as soon as its head is known. */
export async function replyOr(exchange: Exchange, call: () => unknown): Promise<unknown> {
  const sink = new ReplySink(exchange);
  return await Promise.race([sink.response, running.run(sink, settled, sink, call)]);
}

async function settled(sink: ReplySink, call: () => unknown): Promise<unknown> {
  let value: unknown;
  try {
    value = await call();
    sink.settle();
  } catch (error) {
    sink.settle();
    if (sink.reply?.fail(error) !== true) throw error;
    return await sink.response;
  }
  if (sink.reply === null) return value;
  sink.reply.returned(value);
  if (sink.reply.isComplete) sink.giveUp();
  return await sink.response;
}
