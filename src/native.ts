/**
 * The only file that loads the addon. It checks the platform, the runtime's parser and the layout
 * of shared memory before anything else is done, and types the addon's calls. Any thread.
 */
import { createRequire } from "node:module";
import { MillraceError } from "./shared/errors.ts";
import { LAYOUT } from "./shared/layout.ts";

/** An opaque pointer of the addon. */
export type Handle = { readonly __handle: unique symbol };

export interface EngineBlocks {
  readonly handle: Handle;
  readonly events: ArrayBuffer;
  readonly replies: ArrayBuffer;
  readonly arena: ArrayBuffer;
  readonly control: ArrayBuffer;
  readonly slots: ArrayBuffer;
  readonly route: ArrayBuffer;
}

/** What native needs to know of a listener: milliseconds, bytes and counts. 0: no such limit. */
export interface NativeListenerOptions {
  /** The number of the table of routes that its paths resolve in. */
  readonly routes: number;
  readonly headBytesMax: number;
  readonly headersMax: number;
  readonly targetBytesMax: number;
  /** Of those that are served, by llhttp's numbers. */
  readonly methodBits: number;
  readonly pipelineMax: number;
  readonly outputBytesMax: number;
  readonly outputHardBytesMax: number;
  /** The lines of its default headers, in latin1. */
  readonly defaultLines: Buffer;
  readonly declaredBodyBytesMax: number;
  readonly headTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly handlerTimeoutMs: number;
  readonly writeTimeoutMs: number;
  readonly announceKeepAlive: boolean;
  readonly proxyProtocol: string;
  /** With commas between. */
  readonly trustedProxies: string;
  /** The same, or a number of proxies. */
  readonly trustProxy: string;
  readonly forwardedFields: string;
  /** The paths of its probes; empty: none. */
  readonly livenessPath: string;
  readonly readinessPath: string;
}

export interface ServerOptions {
  readonly stuckMs: number;
  /** BALANCE_… of the layout. */
  readonly balance: number;
  /** 0: nine tenths of the limit of open files. */
  readonly connectionsMax: number;
  readonly connectionsPerAddressMax: number;
}

export interface EngineOptions {
  readonly drainQuietMs: number;
  /** Whether there are events of the kinds KIND_REFUSED and KIND_DONE. */
  readonly tellsDone: boolean;
  /** Whether malformed requests become events. */
  readonly reportsRefusals: boolean;
  readonly memoryBytesMax: number;
  readonly inFlightMax: number;
}

/** A file that is held open: native-bindings/core/open-file.h. */
export interface NativeFile {
  readonly handle: Handle;
  readonly size: number;
  readonly modifiedMs: number;
  readonly inode: number;
  readonly device: number;
}

export interface NativeEndpoint {
  readonly address: string;
  readonly port?: number;
  readonly family: "IPv4" | "IPv6" | "unix";
}

export interface NativeConnection {
  readonly id: number;
  readonly remote: NativeEndpoint;
  readonly local: NativeEndpoint;
}

/** Where a listening socket is bound: a numeric address, a Unix path, or a descriptor to adopt. */
export type NativeBind =
  | { readonly host: string; readonly port: number }
  | { readonly path: string; readonly mode?: number }
  /** With a path the file of the socket is taken over with it. */
  | { readonly fd: number; readonly path?: string };

export type ListenResult =
  | {
      readonly handle: Handle;
      /** As the system says it is bound; empty and 0 for what it is not. */
      readonly host: string;
      readonly port: number;
      readonly path: string;
    }
  | { readonly error: number };

/** What the addon exports; native-bindings/napi documents each call. */
export interface Native {
  readonly parserPassed: boolean;
  readonly layout: { readonly [name: string]: number };
  createServer(options: ServerOptions): { readonly handle: Handle; readonly id: number };
  /** The slot, or -1 when all are taken. Addresses are bound to seats: core/balancer.h. */
  addWorker(server: Handle, seat: number): number;
  removeWorker(server: Handle, slot: number): void;
  /** The balancer passes it over from now on. */
  leaveWorker(server: Handle, slot: number): void;
  /** One of READINESS. */
  setReadiness(server: Handle, readiness: number): void;
  setListenerState(server: Handle, listener: number, state: number): void;
  listen(
    server: Handle,
    listener: number,
    bind: NativeBind,
    backlog: number,
    onFailed: (errno: number, isBroken: boolean, hasAccepted: boolean) => void,
  ): ListenResult;
  closeListener(listener: Handle, isHandedOver: boolean): void;
  holdListener(listener: Handle, isHeld: boolean): void;
  listenerDescriptor(listener: Handle): number;
  expireOrphans(server: Handle, ageMs: number): number;
  dropOrphans(server: Handle, listener: number): number;
  condemnWorker(server: Handle, slot: number): void;
  workerStats(server: Handle, slot: number, into: Float64Array): void;
  listenerConnections(server: Handle, listener: number): number;
  listenerUnused(server: Handle, listener: number): boolean;
  listenerRefused(server: Handle, listener: number): number;
  /** Of the connections, those that have switched protocols. */
  listenerUpgraded(server: Handle, listener: number): number;
  listenerUnannounced(server: Handle, listener: number): number;
  createEngine(
    serverId: number,
    slot: number,
    options: EngineOptions,
    onBatch: () => void,
  ): EngineBlocks | undefined;
  engineSlab(engine: Handle, slab: Buffer): void;
  engineBodyBuffer(engine: Handle, index: number, buffer: Buffer): void;
  engineFlush(engine: Handle): void;
  engineOpen(engine: Handle): boolean;
  engineListener(
    engine: Handle,
    listener: number,
    options: NativeListenerOptions | null,
  ): number;
  engineStop(engine: Handle, listener: number, force: boolean): void;
  engineRetire(engine: Handle): void;
  /** How many went; `to` is a worker's slot, or -1 for the balancer's choice. */
  /** Once asked for, it stays: of answers that have left, and of what was refused. */
  engineTell(engine: Handle, done: boolean, refusals: boolean): void;
  engineGive(engine: Handle, count: number, to: number): number;
  engineConstant(
    engine: Handle,
    status: number,
    type: number,
    lines: Buffer,
    body: Buffer,
  ): number;
  engineBind(engine: Handle, target: number, version: number, constant: number): void;
  /** One of READINESS. */
  engineReadiness(engine: Handle, listener: number): number;
  engineEpoch(engine: Handle): void;
  engineCounts(engine: Handle, into: Float64Array): void;
  engineConnection(engine: Handle, slot: number, generation: number): NativeConnection | undefined;
  /** `option`: of SOCKET_OPTION. False: it has gone, or its kind of socket has no such option. */
  engineSocketOption(
    engine: Handle,
    slot: number,
    generation: number,
    option: number,
    value: number,
  ): boolean;
  /** Whom a listener with these settings believes, for as long as somebody holds it. */
  makeTrust(settings: { readonly trustProxy: string; readonly forwardedFields: string }): Handle;
  /**
   * The client of a request as core/forwarded.h finds it. `peer` is family, port and address with
   * spaces between; empty fields are absent, and so are `proto` and `host` of the answer.
   */
  forwardedClient(
    trust: Handle,
    peer: string,
    list: string,
    proto: string,
    host: string,
  ): NativeEndpoint & { readonly proto: string; readonly host: string };
  /** The flush of a ring whose last record is about these bytes. */
  engineFlushBytes(engine: Handle, bytes: Uint8Array): void;
  /** The flush of a ring whose last record is a piece of this file. */
  engineFlushFile(engine: Handle, file: Handle): void;
  engineClose(engine: Handle): void;
  engineReason(engine: Handle, index: number): string;
  engineNames(engine: Handle, prefix: string, headers: readonly string[]): void;
  startAccessLog(
    server: Handle,
    path: string,
    format: number,
    hasIds: boolean,
    ids: readonly string[],
    isLogged: readonly boolean[],
  ): number;
  setLogListener(server: Handle, listener: number, id: string, isLogged: boolean): void;
  reopenAccessLog(server: Handle): number;
  endAccessLog(server: Handle): void;
  accessLogStats(server: Handle, into: Float64Array): void;
  /** The number of an error where there is no such file. `root`: it must lie in it, or empty. */
  openFile(path: string, root: string): NativeFile | number;
  closeFile(file: Handle): void;
  /** How many bytes; below 0: the number of an error. */
  readFile(file: Handle, into: Buffer, offset: number): number;
  notifyService(socket: string, text: string): number;
  replaceDescriptor(from: number, to: number): number;
  nameThread(name: string): void;
  yieldThread(): void;
}

/** `ListenerState` of core/server.h: what workers see of a listener. */
export const LISTENER_STATE = {
  none: 0,
  open: 1,
  paused: 2,
  stopping: 3,
  stopped: 4,
} as const;

/** `SocketOption` of core/engine.h. Of noDelay 0 or 1, of keepAlive seconds, 0: off. */
export const SOCKET_OPTION = { noDelay: 0, keepAlive: 1 } as const;

/** `Readiness` of core/probes.h. */
export const READINESS = { starting: 0, ready: 1, draining: 2 } as const;

const SUPPORTED = "linux-x64";

let loaded: Native | undefined;

/** The addon, checked. Throws ERR_MILLRACE_PLATFORM, …_LLHTTP_VERSION or …_ADDON_LAYOUT. */
export function loadNative(): Native {
  return (loaded ??= load());
}

function load(): Native {
  checkPlatform();
  checkParserVersion(process.versions["llhttp"] ?? "0");
  const native = requireAddon();
  if (!native.parserPassed) throw new MillraceError("ERR_MILLRACE_LLHTTP_VERSION");
  checkLayout(native.layout);
  return native;
}

function checkPlatform(): void {
  if (`${process.platform}-${process.arch}` === SUPPORTED && hasGlibc()) return;
  throw new MillraceError(
    "ERR_MILLRACE_PLATFORM",
    `Millrace has no addon for ${process.platform} on ${process.arch}. ` +
      "Supported: Linux on x64 with glibc.",
  );
}

function hasGlibc(): boolean {
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return report.header?.glibcVersionRuntime !== undefined;
}

/** Its callbacks have another layout before 9.3, and may have another one from 10 on. */
export function checkParserVersion(version: string): void {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major === 9 && minor >= 3) return;
  throw new MillraceError(
    "ERR_MILLRACE_LLHTTP_VERSION",
    `This Node.js (${process.version}) has llhttp ${version}; Millrace needs 9.3 or a later 9. ` +
      "Node.js 20.20, 22.18, 24.9, 26 and later have it.",
  );
}

function requireAddon(): Native {
  const require = createRequire(import.meta.url);
  // A build with sanitizers stands elsewhere.
  const path = process.env["MILLRACE_ADDON"] ?? `../native/${SUPPORTED}/millrace.node`;
  try {
    return require(path) as Native;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    throw new MillraceError("ERR_MILLRACE_PLATFORM", `The addon cannot be loaded: ${reason}`, {
      cause,
    });
  }
}

function checkLayout(layout: Native["layout"]): void {
  const names = new Set([...Object.keys(LAYOUT), ...Object.keys(layout)]);
  for (const name of names) {
    if (LAYOUT[name] === layout[name]) continue;
    throw new MillraceError(
      "ERR_MILLRACE_ADDON_LAYOUT",
      `The addon and the JavaScript disagree on ${name}. Build both again: npm run build.`,
    );
  }
}
