/** The value of the option `compression`: how answers are compressed. Pure; both threads. */
export const ENCODINGS = ["zstd", "br", "gzip"] as const;

export type Encoding = (typeof ENCODINGS)[number];

export interface CompressionOptions {
  /** In the order in which they are preferred where the client has no preference. */
  encodings?: Encoding[] | undefined;
  /** A body that is known to be shorter is sent as it is. */
  thresholdBytes?: number | undefined;
  /** Media types that are compressed, such as `text/html`; `text/*` is all of a kind. */
  types?: string[] | undefined;
  gzipLevel?: number | undefined;
  brLevel?: number | undefined;
  zstdLevel?: number | undefined;
}
