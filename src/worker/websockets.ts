/**
 * How a request becomes a WebSocket, as `context.upgrade(request)` in the manner of Bun, and the
 * owners of those that there are: one per app. Thread: the engine's.
 */
import type { App } from "../shared/app.ts";
import type { ConnectionInfo } from "../shared/connection-info.ts";
import { MillraceError } from "../shared/errors.ts";
import type { Log } from "../shared/log.ts";
import type { WebSocketUpgradeOptions } from "../shared/websockets.ts";
import type { Answers } from "./answers.ts";
import type { Exchange } from "./exchange.ts";
import { LightResponse, responseParts } from "./response.ts";
import type { SocketTopics } from "./server-websocket.ts";
import type { Upgrades } from "./upgrade.ts";
import { WebSocketClock } from "./websocket-clock.ts";
import { handshakeOf } from "./websocket-handshake.ts";
import { readWebSocketMember } from "./websocket-options.ts";
import { WebSocketOwner } from "./websocket-owner.ts";

/** What they ask of their engine. */
export interface WebSocketsHost {
  readonly log: Log;
  readonly topics: SocketTopics;
  readonly upgrades: Upgrades;
  readonly answers: Answers;
  connectionOf(exchange: Exchange): ConnectionInfo;
}

/**
 * `done`: the request is answered. Else it is the handler's to answer; if it asked for a WebSocket
 * and cannot have one, `refusal` is what to answer if the handler does not.
 */
export type WebSocketUpgrade =
  | { readonly isDone: true }
  | { readonly isDone: false; readonly refusal: LightResponse | null };

const DECLINED: WebSocketUpgrade = { isDone: false, refusal: null };

export class WebSockets {
  readonly #host: WebSocketsHost;
  readonly #clock = new WebSocketClock();
  readonly #owners = new Map<App, WebSocketOwner>();

  constructor(host: WebSocketsHost) {
    this.#host = host;
  }

  /** Those that are open or closing on this worker. */
  get count(): number {
    let count = 0;
    for (const owner of this.#owners.values()) count += owner.count;
    return count;
  }

  /** Throws ERR_MILLRACE_WEBSOCKET_NONE if the app has no `websocket`. */
  upgrade(exchange: Exchange, { headers, data }: WebSocketUpgradeOptions = {}): WebSocketUpgrade {
    const owner = this.#ownerOf(exchange.target.table.app);
    if (exchange.isAnswered) return DECLINED;
    const { options } = owner.site.member;
    const handshake = handshakeOf(exchange.open(), options, headers);
    switch (handshake.kind) {
      case "none":
        return DECLINED;
      case "refused": {
        const { text, status, headers: fields } = handshake;
        return refused(new LightResponse(text, { status, headers: fields }));
      }
      case "accepted": {
        const offered = this.#host.upgrades.offer(exchange, owner, { headers: handshake.headers });
        if (offered.status !== 101) return refused(offered);
        const connection = this.#host.connectionOf(exchange);
        owner.expect(connection, { data, deflate: handshake.deflate });
        this.#host.answers.answer(exchange, responseParts(offered), false);
        return { isDone: true };
      }
    }
  }

  #ownerOf(app: App): WebSocketOwner {
    let owner = this.#owners.get(app);
    if (owner === undefined) {
      const member = readWebSocketMember(app.websocket);
      if (member === undefined) throw new MillraceError("ERR_MILLRACE_WEBSOCKET_NONE");
      const { log, topics } = this.#host;
      owner = new WebSocketOwner({ member, clock: this.#clock, topics, log });
      this.#owners.set(app, owner);
    }
    return owner;
  }
}

function refused(refusal: LightResponse): WebSocketUpgrade {
  return { isDone: false, refusal };
}
