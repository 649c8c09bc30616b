/** What the hooks of an app are told. Types only. */
import type { Endpoint } from "./connection-info.ts";
import type { Context, MillraceRequest } from "./context.ts";

/** What `onClientError` is told. */
export type ClientErrorInfo = MalformedRequestInfo | VanishedClientInfo;

/** No handler has seen it. It was answered with the status, and the connection closes. */
export interface MalformedRequestInfo {
  readonly kind: "malformed";
  readonly status: number;
  readonly reason: string;
  /** How it began, at most 256 bytes of it: all but printable ASCII is escaped as in `\\x00`. */
  readonly bytes: string;
  readonly listener: { readonly id: string; readonly name: string; readonly data: unknown };
  readonly remote: Endpoint;
}

/** With `fin` and `reset` the request's signal aborts. After `fin` the answer is still written. */
export interface VanishedClientInfo {
  readonly kind: "vanished";
  /** FIN; a reset or an error of the connection; or it took nothing for `writeTimeoutMs`. */
  readonly how: "fin" | "reset" | "timeout";
  readonly request: MillraceRequest;
  readonly listener: { readonly id: string; readonly name: string; readonly data: unknown };
  /** Its address is empty if the client had gone before its handler was called. */
  readonly remote: Endpoint;
}

/** What `onRequest` is told. */
export interface RequestInfo {
  /** Null if the server refused it: malformed, too large, too slow. */
  readonly request: MillraceRequest | null;
  /** Empty where there is no request. */
  readonly method: string;
  readonly listener: { readonly id: string; readonly name: string; readonly data: unknown };
  readonly remote: Endpoint;
  /** Why there is no request, and the status that answers it. */
  readonly refusal?: { readonly status: number; readonly reason: string };
}

/** What `onResponse` is told. */
export interface ResponseInfo extends Omit<RequestInfo, "refusal"> {
  /** Null where there is no request. */
  readonly context: Context | null;
  readonly requestId: string | null;
  /** The pattern of the route that answered; empty for `fetch` and refusals. */
  readonly route: string;
  /** Null if no answer was made. */
  readonly status: number | null;
  /** Of the body as it was sent, without the head; the framing of chunks counts. */
  readonly bytesSent: number;
  /** From the end of the request's head. */
  readonly durationMs: number;
  /** All of the answer has been handed to the kernel; false: it was cut, or none was made. */
  readonly isComplete: boolean;
}
