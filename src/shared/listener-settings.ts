/**
 * The options that each listener can set for itself; `serve()`'s own value is the fallback. The
 * rows of src/options/listener-settings.ts say what each one is. A worker finds the values of a
 * listener in its facts, native those it knows in the engine's options. Types only.
 */
import type { CompressionOptions } from "./compression.ts";
import type { DebugOptions } from "./debug.ts";

export interface ListenerSettings {
  methods: readonly string[];
  headTimeoutMs: number;
  bodyTimeoutMs: number;
  idleTimeoutMs: number;
  announceKeepAlive: boolean;
  handlerTimeoutMs: number;
  writeTimeoutMs: number;
  headBytesMax: number;
  headersMax: number;
  targetBytesMax: number;
  bodyBytesMax: number;
  bodyStreamBytesMax: number;
  decodeBodies: boolean;
  pipelineMax: number;
  outputBytesMax: number;
  outputHardBytesMax: number;
  requestIdHeader: string;
  headers: Readonly<Record<string, string>>;
  compression: boolean | CompressionOptions;
  debug: boolean | DebugOptions;
  metricsPath: string;
  proxyProtocol: "off" | "required";
  trustedProxies: string | readonly string[];
  trustProxy: string | number | readonly string[];
  forwardedFields: "x-forwarded" | "forwarded";
  forwardedUrl: "off" | "scheme" | "origin";
  livenessPath: string;
  readinessPath: string;
}

export type ListenerSetting = keyof ListenerSettings;
