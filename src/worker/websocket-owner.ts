/**
 * Owns the WebSockets of one app on this worker: a handler of sockets as any other, so every rule
 * of a stop holds for it. Asked to stop, it says 1001 to each, over some time: peers that all lose
 * their connection at once would all come back at once. Thread: the engine's.
 */
import type { ConnectionInfo } from "../shared/connection-info.ts";
import type { SocketHandler, UpgradeContext, UpgradedSocket } from "../shared/upgrades.ts";
import { ServerSocket, type SocketSite } from "./server-websocket.ts";
import type { DeflateLink } from "./websocket-deflate.ts";

/** What has been agreed on for a connection that is to be upgraded. */
export interface AgreedSocket {
  readonly data: unknown;
  readonly deflate: DeflateLink | null;
}

const CODE_GOING = 1001;
const REASON = "the server is going away";
/** Between two looks at who is to be closed. */
const STEP_MS = 20;

export class WebSocketOwner implements SocketHandler {
  readonly site: SocketSite;
  /** By listener. */
  readonly #sockets = new Map<string, Set<ServerSocket>>();
  /** Until their answer has its turn, which may come to nothing. */
  readonly #agreed = new WeakMap<ConnectionInfo, AgreedSocket>();

  constructor(site: SocketSite) {
    this.site = site;
  }

  get count(): number {
    let count = 0;
    for (const sockets of this.#sockets.values()) count += sockets.size;
    return count;
  }

  /** Before the connection's answer is given. */
  expect(connection: ConnectionInfo, agreed: AgreedSocket): void {
    this.#agreed.set(connection, agreed);
  }

  async start(stream: UpgradedSocket, context: UpgradeContext): Promise<void> {
    const { data, deflate } = this.#agreed.get(context.connection)!;
    this.#agreed.delete(context.connection);
    const listener = context.listener.id;
    const socket = new ServerSocket(this.site, stream, stream.remoteAddress, data, deflate);
    const sockets = this.#sockets.get(listener) ?? new Set<ServerSocket>();
    this.#sockets.set(listener, sockets.add(socket));
    await socket.run();
    sockets.delete(socket);
    if (sockets.size === 0) this.#sockets.delete(listener);
  }

  stop(listener?: string): void {
    const sockets = listener === undefined
      ? Array.from(this.#sockets.values()).flatMap((each) => Array.from(each))
      : [...this.#sockets.get(listener) ?? []];
    closeSpread(sockets, this.site.member.options.closeSpreadMs);
  }
}

/** The first at once; in each step as many as are due. A closed one costs nothing. */
function closeSpread(sockets: readonly ServerSocket[], spreadMs: number): void {
  const startedAt = performance.now();
  let at = 0;
  const step = (): void => {
    const share = spreadMs === 0 ? 1 : (performance.now() - startedAt) / spreadMs;
    const due = Math.min(sockets.length, Math.max(1, Math.ceil(share * sockets.length)));
    for (; at < due; at++) sockets[at]!.end(CODE_GOING, REASON);
    if (at < sockets.length) setTimeout(step, STEP_MS).unref();
  };
  if (sockets.length > 0) step();
}
