/**
 * One request of the proxy to its target, and the answer that comes back. The clock runs while the
 * target is waited for: the time that the client takes is the server's affair. Any thread.
 */
import {
  type Agent as HttpAgent, type ClientRequest, type IncomingMessage, type InformationEvent,
  request as httpRequest,
} from "node:http";
import { request as httpsRequest } from "node:https";
import { Readable } from "node:stream";
import type { Context, MillraceRequest } from "../shared/app.ts";
import { pairsOf } from "../shared/raw-fields.ts";
import { endToEnd, type ForwardedFields, forwardedFields } from "./forward-headers.ts";

/** Where requests go, and how. */
export interface Target {
  readonly url: URL;
  readonly fields: ForwardedFields;
  readonly agent: HttpAgent;
  readonly timeoutMs: number;
}

/** They can be sent again when a connection that was kept turns out to have ended. */
const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

export class TimedOut extends Error {}

/** Resolves to the answer when its head has come. Rejects with a TimedOut if it has not in time. */
export async function exchanged(
  target: Target,
  path: string,
  request: MillraceRequest,
  context: Context,
): Promise<IncomingMessage> {
  const { url, agent, timeoutMs } = target;
  const headers = forwardedFields(target.fields, request, context);
  const begin = (): ClientRequest => {
    const make = url.protocol === "https:" ? httpsRequest : httpRequest;
    return make(url, { agent, path, method: request.method, headers });
  };
  const sent = begin();
  try {
    return await answered(sent, timeoutMs, request, context);
  } catch (error) {
    const isStale = sent.reusedSocket && (error as NodeJS.ErrnoException).code === "ECONNRESET";
    const isRepeatable = IDEMPOTENT.has(request.method) && request.body === null;
    if (!isStale || !isRepeatable || context.signal.aborted) throw error;
    // It was closed by the other end at the moment when it was used again.
    return await answered(begin(), timeoutMs, request, context);
  }
}

/**
 * Resolves when the answer's head has come. It may come before the body has gone: what is left of
 * that is not sent then.
 */
async function answered(
  sent: ClientRequest,
  timeoutMs: number,
  request: MillraceRequest,
  context: Context,
): Promise<IncomingMessage> {
  const { signal } = context;
  const body = request.body === null ? null : Readable.fromWeb(request.body);
  return await new Promise((resolve, reject) => {
    const over = (): void => {
      clearTimeout(clock);
      signal.removeEventListener("abort", cut);
      body?.destroy();
    };
    // Rejects by itself: a request that waits for a connection emits nothing when it is destroyed.
    const fail = (error: Error): void => {
      over();
      reject(error);
      sent.destroy(error);
    };
    const cut = (): void => fail(signal.reason as Error);
    const clock = setTimeout(() => {
      if (body !== null && isTaken(sent)) clock.refresh();
      else fail(new TimedOut("the target has not answered in time"));
    }, timeoutMs);
    const goOn = (): void => {
      clock.refresh();
    };
    signal.addEventListener("abort", cut, { once: true });
    for (const step of ["socket", "drain", "finish"]) sent.on(step, goOn);
    sent.on("error", reject);
    sent.once("close", () => {
      over();
      reject(new Error("the target has switched protocols")); // all else is an answer or an error
    });
    sent.on("information", (hint) => {
      goOn();
      handOn(hint, context);
    });
    sent.once("response", (answer) => {
      for (const step of ["drain", "finish"]) sent.off(step, goOn);
      body?.off("data", goOn);
      clearTimeout(clock);
      if (isFinal(answer)) resolve(answer);
      else fail(new Error(`the target has answered with status ${answer.statusCode}`));
    });
    body?.on("error", fail);
    if (signal.aborted) cut();
    else if (body === null) sent.end();
    else body.on("data", goOn).pipe(sent);
  });
}

/** What the client has sent so far is with the target: more of it is what comes next. */
function isTaken(sent: ClientRequest): boolean {
  return !sent.writableEnded && sent.socket?.connecting === false && !sent.writableNeedDrain;
}

/** node:http takes a 101 without an upgrade for the answer, and any number of three digits. */
function isFinal({ statusCode = 0 }: IncomingMessage): boolean {
  return statusCode >= 200 && statusCode <= 599;
}

/** What cannot be sent is dropped: someone may have answered who did not wait for the target. */
function handOn({ statusCode, rawHeaders }: InformationEvent, context: Context): void {
  if (statusCode !== 103) return;
  try {
    context.informational(103, endToEnd(pairsOf(rawHeaders)));
  } catch (error) {
    context.log.debug({ err: error }, "early hints of the target could not be sent");
  }
}

/**
 * The body of an answer, which fails where that ends too early, or nothing comes in time. Who gives
 * it up, before its beginning too, of which no generator would hear, or never begins, ends the
 * answer: else it would keep its connection for ever.
 */
export class AnswerBody implements AsyncIterableIterator<Uint8Array, void> {
  readonly #answer: IncomingMessage;
  readonly #atEnd: () => void;
  readonly #pieces: AsyncIterator<Uint8Array>;
  readonly #clock: NodeJS.Timeout;
  /** Not while whoever reads has a piece: they may take any time. */
  #isDue = true;

  /** `atEnd` is called when the answer has come whole. */
  constructor(answer: IncomingMessage, timeoutMs: number, atEnd: () => void) {
    this.#answer = answer;
    this.#atEnd = atEnd;
    this.#pieces = answer[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
    answer.on("error", () => {}); // who reads hears of it
    this.#clock = setTimeout(() => {
      if (this.#isDue) answer.destroy(new TimedOut("the target has gone silent"));
    }, timeoutMs);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, void>> {
    this.#isDue = true;
    this.#clock.refresh();
    try {
      const { done, value } = await this.#pieces.next();
      if (done !== true) return { done: false, value };
    } catch (error) {
      clearTimeout(this.#clock);
      throw error;
    } finally {
      this.#isDue = false;
    }
    clearTimeout(this.#clock);
    this.#atEnd();
    return { done: true, value: undefined };
  }

  return(): Promise<IteratorResult<Uint8Array, void>> {
    clearTimeout(this.#clock);
    this.#answer.destroy();
    return Promise.resolve({ done: true, value: undefined });
  }
}
