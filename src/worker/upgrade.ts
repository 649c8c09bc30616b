/**
 * How a handler switches a connection over: what `context.upgrade` gives is a Response that stands
 * for the switch. All checks come before 101: when the handler asks, and again when the answer has
 * its turn, since a stop may have come between. What fails them is an ordinary answer. Thread: the
 * engine's.
 */
import { AsyncResource } from "node:async_hooks";
import type { Endpoint } from "../shared/connection-info.ts";
import { MillraceError } from "../shared/errors.ts";
import { FLAG_HTTP10, FLAG_KEEP_ALIVE, FLAG_UPGRADE, REPLY_CLOSE } from "../shared/layout.ts";
import type { Log } from "../shared/log.ts";
import type { ServerControl } from "../shared/server-control.ts";
import { isToken } from "../shared/token.ts";
import type { SocketHandler, UpgradeOptions } from "../shared/upgrades.ts";
import { SOCKET_OPTION } from "../native.ts";
import type { Answers } from "./answers.ts";
import type { Connections } from "./connections.ts";
import type { DedicatedSockets, UpgradeRoute } from "./dedicated-sockets.ts";
import type { Exchange } from "./exchange.ts";
import { LightHeaders } from "./headers.ts";
import { LightResponse, responseFrom, responseParts } from "./response.ts";
import { ResponseParts, TYPE_IN_HEADERS } from "./response-parts.ts";
import type { Rings } from "./rings.ts";
import { UpgradedConnection } from "./upgraded-connection.ts";
import { KEEP_ALIVE_SECONDS, RingSocket } from "./upgraded-socket.ts";

/** The insides of the Response that stands for a switch. */
export class UpgradeParts extends ResponseParts {
  readonly exchange: Exchange;
  readonly handler: SocketHandler;
  /** The async context of the request's handler. */
  readonly scope: AsyncResource;

  constructor(exchange: Exchange, handler: SocketHandler, headers: LightHeaders) {
    super(null, TYPE_IN_HEADERS);
    this.status = 101;
    this.headers = headers;
    this.exchange = exchange;
    this.handler = handler;
    this.scope = new AsyncResource("MILLRACE_SOCKET", { requireManualDestroy: true });
  }
}

/** What upgrades ask of their engine. */
export interface UpgradesHost {
  readonly log: Log;
  readonly server: ServerControl;
  readonly connections: Connections;
  readonly answers: Answers;
  readonly sockets: DedicatedSockets;
  /** Nothing new is to begin on the listener. */
  isStopping(listener: number): boolean;
  clientOf(exchange: Exchange): Endpoint;
  setSocketOption(slot: number, generation: number, option: number, value: number): void;
}

export class Upgrades {
  readonly #rings: Rings;
  readonly #host: UpgradesHost;
  /** The worker takes no sockets any more. */
  isRetired = false;

  constructor(rings: Rings, host: UpgradesHost) {
    this.#rings = rings;
    this.#host = host;
  }

  /** The Response to return: the switch itself, or what is answered in its place. */
  offer(exchange: Exchange, handler: SocketHandler, options: UpgradeOptions = {}): LightResponse {
    if (typeof handler?.start !== "function") {
      throw new TypeError("upgrade: the first argument has no method start");
    }
    if (exchange.isAnswered) throw new MillraceError("ERR_MILLRACE_RESPONSE_SENT");
    const headers = new LightHeaders(options.headers);
    const wanted = options.protocol ?? headers.get("upgrade");
    if (wanted !== null && protocolsOf(wanted).length !== 1) {
      throw new TypeError(`upgrade: ${JSON.stringify(wanted)} is no name of a protocol`);
    }
    const refusal = this.#refusal(exchange, handler) ?? mismatch(exchange, options.protocol);
    if (refusal !== null) return refusal;
    if (exchange.method === "CONNECT") headers.delete("upgrade");
    else headers.set("upgrade", wanted ?? requested(exchange)[0]!);
    return responseFrom(new UpgradeParts(exchange, handler, headers));
  }

  /** Answers the request with the switch now. False: it is refused, and nothing was answered. */
  take(exchange: Exchange, handler: SocketHandler, options: UpgradeOptions = {}): boolean {
    const offered = this.offer(exchange, handler, options);
    if (offered.status !== 101) return false;
    this.#host.answers.answer(exchange, responseParts(offered), false);
    return true;
  }

  /**
   * Of an answer that has its turn: what is answered in the place of the switch, or null. Throws if
   * it is none of this request. `flags`: those of its head.
   */
  refuse(exchange: Exchange, parts: ResponseParts, flags: number): ResponseParts | null {
    checkSwitch(exchange, parts);
    if ((flags & REPLY_CLOSE) !== 0) throw closing(exchange);
    const refusal = this.#refusal(exchange, parts.handler);
    return refusal === null ? null : responseParts(refusal);
  }

  /** 101 lies in the ring: the connection is the handler's. */
  begin(exchange: Exchange, parts: ResponseParts): void {
    const { handler, scope } = parts as UpgradeParts;
    const { slot, generation, site } = exchange;
    exchange.keepOwn(); // its socket may live for long
    const { log, server, connections, sockets } = this.#host;
    const connection = connections.infoOf(exchange);
    const setOption = (option: number, value: number): void =>
      this.#host.setSocketOption(slot, generation, option, value);
    const { outputBytesMax, writeTimeoutMs } = site.settings;
    const { remote, local } = connection;
    const rings = this.#rings;
    const upgraded = new UpgradedConnection({
      exchange,
      socket: new RingSocket({ rings, slot, generation, outputBytesMax, remote, local, setOption }),
      handler,
      registration: sockets.register(site.view.id, handler, routeOf(exchange)),
      scope,
      connection,
      log,
      server,
      clientOf: () => this.#host.clientOf(exchange),
      writeTimeoutMs,
    });
    connections.of(slot, generation).upgraded = upgraded;
    setOption(SOCKET_OPTION.keepAlive, KEEP_ALIVE_SECONDS);
    void upgraded.start();
  }

  #refusal(exchange: Exchange, handler: SocketHandler): LightResponse | null {
    const { flags, listener, site, slot, generation } = exchange;
    if (exchange.method !== "CONNECT") {
      const isAsked = (flags & FLAG_UPGRADE) !== 0 && requested(exchange).length > 0;
      if (!isAsked) return refused(400, "the request asks for no upgrade\n");
      if ((flags & FLAG_HTTP10) !== 0) return refused(400, "HTTP/1.0 has no upgrades\n");
      if ((flags & FLAG_KEEP_ALIVE) === 0) {
        return refused(400, "the connection is to be closed after this request\n");
      }
    }
    const { sockets, connections } = this.#host;
    if (connections.find(slot, generation)?.reading === exchange) {
      return refused(400, "the body of the request has not been read\n");
    }
    const isStopped = this.isRetired || this.#host.isStopping(listener) ||
      sockets.isStopped(site.view.id, handler);
    if (!isStopped) return null;
    return refused(503, "the server takes no new connection of this kind\n", "connection", "close");
  }
}

/** Throws for a switch of another request, or for a copy of one. */
export function checkSwitch(
  exchange: Exchange,
  parts: ResponseParts,
): asserts parts is UpgradeParts {
  if (parts instanceof UpgradeParts && parts.exchange === exchange) return;
  throw new MillraceError(
    "ERR_MILLRACE_RESPONSE_INVALID",
    `${exchange.routeName} returned what context.upgrade gave for another request, or a copy of it`,
  );
}

function closing(exchange: Exchange): MillraceError {
  return new MillraceError(
    "ERR_MILLRACE_RESPONSE_HEADERS",
    `${exchange.routeName} upgrades a connection and closes it: its answer has Connection: close`,
  );
}

/** 426 if the app speaks one protocol and the request asks for others. */
function mismatch(exchange: Exchange, protocol: string | undefined): LightResponse | null {
  if (protocol === undefined || exchange.method === "CONNECT") return null;
  const lower = protocol.toLowerCase();
  if (requested(exchange).some((each) => each.toLowerCase() === lower)) return null;
  return refused(426, `only ${protocol} is spoken here\n`, "upgrade", protocol);
}

function refused(status: number, text: string, name?: string, value = ""): LightResponse {
  return new LightResponse(text, {
    status,
    ...(name !== undefined && { headers: { [name]: value } }),
  });
}

function requested(exchange: Exchange): string[] {
  return protocolsOf(exchange.find("upgrade") ?? "");
}

/** RFC 9110 7.8: names, each with a version or without; what is none is left out. */
function protocolsOf(list: string): string[] {
  return list.split(",").map((each) => each.trim()).filter((each) => {
    const [name = "", version, ...more] = each.split("/");
    return isToken(name) && (version === undefined || isToken(version)) && more.length === 0;
  });
}

/** Null: the app's `fetch`, which no table has. */
function routeOf({ step, target }: Exchange): UpgradeRoute | null {
  const handler = target.table.handlerOf(step.id);
  return handler === undefined ? null : { table: target.table.number, handler };
}
