/** The value of the option `debug`: what a listener tells its log. Pure; both threads. */

export interface DebugOptions {
  /** Method, target and fields of each request. Default true, like the other three. */
  requestHead?: boolean | undefined;
  /** How each request's body begins, when it has come or has been given up. */
  requestBody?: boolean | undefined;
  /** Status and fields of each answer. */
  responseHead?: boolean | undefined;
  /** How each answer's body begins, before it is compressed. */
  responseBody?: boolean | undefined;
  /** Bytes of a body that are shown. */
  bodyBytes?: number | undefined;
  /** Fields and parameters whose values are hidden, beside those that always are. */
  maskFields?: readonly string[] | undefined;
  /** Paths whose query and bodies are hidden; a `*` at the end hides what is in its place, too. */
  maskPaths?: readonly string[] | undefined;
  /** False: the clocks of the listener's connections do not run while somebody looks on. */
  timeouts?: boolean | undefined;
}

/** What a text that is shown is part of; `debugMask` of an app is told. */
export interface DebugText {
  readonly part: "target" | "field" | "body";
  readonly of: "request" | "response";
  /** Of a field; empty otherwise. */
  readonly name: string;
  /** Of the request, as `new URL(request.url).pathname` has it. */
  readonly path: string;
}

/** Fields and parameters whose values are never shown. */
export const MASKED_FIELDS: readonly string[] = [
  "authorization", "proxy-authorization", "cookie", "set-cookie",
  "access_token", "client_secret", "id_token", "pass", "passwd", "password", "pwd",
  "refresh_token", "secret", "token",
];
