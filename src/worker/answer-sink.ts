/**
 * Where the answers of an engine's requests go: to its connections (answers.ts), or to who has
 * called the app without any. Types only.
 */
import type { Exchange } from "./exchange.ts";
import type { ResponseParts } from "./response-parts.ts";

export interface AnswerSink {
  /** Answers a request, once; a later answer is discarded. `close`: its connection ends with it. */
  answer(exchange: Exchange, parts: ResponseParts, close: boolean): void;
  /** The whole message will be the app's. Throws where there is no connection for it. */
  beginRaw?(exchange: Exchange): void;
  /** Ends the connection without an answer, or in the middle of it. */
  abort(exchange: Exchange): void;
}
