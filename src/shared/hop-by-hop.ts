/** The fields of one connection (RFC 9110 7.6.1). Pure. */

/** In lower case; no proxy passes them on. */
export const HOP_BY_HOP: readonly string[] = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];
