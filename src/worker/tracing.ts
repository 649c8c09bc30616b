/**
 * The tracing channel `millrace:request` of `node:diagnostics_channel`: APM agents see each run of
 * a handler there, in the order that `TracingChannel.tracePromise` has. Without a subscriber it
 * costs one look per batch. Thread: the engine's; channels are the thread's own.
 */
import { tracingChannel, type TracingChannel } from "node:diagnostics_channel";
import type { Context, MillraceRequest, RequestTrace } from "../shared/app.ts";
import { HttpError } from "../shared/errors.ts";
import type { Exchange } from "./exchange.ts";

export const CHANNEL_NAME = "millrace:request";

// For ever: a channel that nobody holds is forgotten, and its subscribers are kept elsewhere.
const channel: TracingChannel<RequestTrace> = tracingChannel(CHANNEL_NAME);

/** What subscribers are given, the same object for all events of one run of a handler. */
class TraceMessage implements RequestTrace {
  readonly method: string;
  readonly route: string;
  readonly listener: RequestTrace["listener"];
  readonly context: Context;
  isAsync = false;
  result?: unknown;
  response?: Response;
  status?: number;
  error?: unknown;
  readonly #exchange: Exchange;

  constructor(exchange: Exchange, context: Context) {
    this.method = exchange.method;
    this.route = exchange.step.route;
    this.listener = context.listener;
    this.context = context;
    this.#exchange = exchange;
  }

  get request(): MillraceRequest {
    return this.#exchange.open();
  }

  settle(result: unknown): void {
    this.result = result;
    if (result === undefined) return; // declined: another run follows
    if (result instanceof Response) this.response = result;
    const isBody = typeof result === "string" || result instanceof Uint8Array ||
      result instanceof ArrayBuffer;
    this.status = this.response?.status ?? (isBody ? 200 : 500);
  }

  /** A thrown Response is an answer as any other. */
  caught(error: unknown): void {
    if (error instanceof Response) {
      this.settle(error);
      return;
    }
    this.error = error;
    this.status = error instanceof HttpError ? error.status : 500;
    channel.error.publish(this);
  }
}

export class Tracing {
  /** Whether somebody listened when the present batch began. */
  isOn = false;

  /** Once per batch. */
  refresh(): void {
    this.isOn = channel.hasSubscribers;
  }

  /** Runs a handler within the stores that are bound to the channel; hands on what it returns. */
  run(exchange: Exchange, context: Context, handler: () => unknown): unknown {
    const message = new TraceMessage(exchange, context);
    return channel.start.runStores(message, () => {
      try {
        const result = handler();
        if (isThenable(result)) {
          message.isAsync = true;
          return follow(message, result);
        }
        message.settle(result);
        return result;
      } catch (error) {
        message.caught(error);
        throw error;
      } finally {
        channel.end.publish(message);
      }
    });
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null &&
    typeof (value as { then?: unknown }).then === "function";
}

async function follow(message: TraceMessage, result: PromiseLike<unknown>): Promise<unknown> {
  try {
    const value = await result;
    message.settle(value);
    return value;
  } catch (error) {
    message.caught(error);
    throw error;
  } finally {
    channel.asyncStart.publish(message);
    channel.asyncEnd.publish(message);
  }
}
