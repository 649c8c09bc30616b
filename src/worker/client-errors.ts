/**
 * Tells the app's `onClientError` of malformed requests and of clients that have gone before their
 * answer was complete. Without that hook native makes no events of the former, and nothing is
 * looked at here. What the hook throws is logged and changes nothing. Thread: the engine's.
 */
import type {
  App,
  ClientErrorInfo,
  ConnectionInfo,
  Endpoint,
  Log,
  MillraceRequest,
} from "../shared/app.ts";
import { CLOSED_END, CLOSED_RESET, CLOSED_TIMEOUT } from "../shared/layout.ts";
import type { Connections } from "./connections.ts";
import type { Exchange } from "./exchange.ts";
import type { ListenerSite } from "./listener-sites.ts";

/** What of a target is shown, as of a request that native has refused. */
const SHOWN_MAX = 256;

/** The apps of a worker, and which of them a listener has. */
export interface AppsByListener {
  readonly apps: readonly App[];
  ofListener(listener: number): { readonly app: App };
}

export class ClientErrors {
  readonly #apps: AppsByListener;
  #isOn = false;
  readonly #siteOf: (listener: number) => ListenerSite;
  readonly #connections: Connections;
  readonly #log: Log;

  constructor(
    apps: AppsByListener,
    siteOf: (listener: number) => ListenerSite,
    connections: Connections,
    log: Log,
  ) {
    this.#apps = apps;
    this.#siteOf = siteOf;
    this.#connections = connections;
    this.#log = log;
    this.look();
  }

  /** Apps have come or gone. */
  look(): void {
    this.#isOn = this.#apps.apps.some((app) => app.onClientError !== undefined);
  }

  /** A promise is waited for: once its connection has gone nobody knows its addresses. */
  watch(exchange: Exchange): void {
    if (this.#isOn) void this.#connections.infoOf(exchange).remote;
  }

  /**
   * What native has refused: lines of the peer's address, the reason, and the bytes. Status 0: a
   * connection without its PROXY header, which is not the app's concern.
   */
  refused(listener: number, status: number, lines: Buffer): void {
    const peerEnd = lines.indexOf(0x0a);
    const reasonEnd = lines.indexOf(0x0a, peerEnd + 1);
    const reason = lines.toString("latin1", peerEnd + 1, reasonEnd);
    const remote = endpointOf(lines.toString("latin1", 0, peerEnd));
    if (status === 0) {
      const { id } = this.#siteOf(listener).view;
      this.#log.warn({ listener: id, remote }, `closed a connection: ${reason}`);
      return;
    }
    this.#siteOf(listener).debug?.refused(status, reason, remote);
    this.#tell(listener, {
      kind: "malformed",
      status,
      reason,
      bytes: escapeBytes(lines.toString("latin1", reasonEnd + 1)),
      listener: this.#siteOf(listener).view,
      remote,
    });
  }

  /** The path of its target cannot be decoded: found out here, refused as native refuses. */
  undecodable(exchange: Exchange, status: number): void {
    if (!this.#isOn) return;
    const shown = `${exchange.method} ${exchange.rawTarget()}`.slice(0, SHOWN_MAX);
    this.#tell(exchange.listener, {
      kind: "malformed",
      status,
      reason: "malformed request target",
      bytes: escapeBytes(shown),
      listener: exchange.site.view,
      remote: this.#connections.infoOf(exchange).remote,
    });
  }

  /** `reason` is a CLOSED_… of the layout: those that are the server's own doing tell nobody. */
  vanished(exchange: Exchange, reason: number, connection: ConnectionInfo | null): void {
    const how = HOW[reason];
    if (!this.#isOn || how === undefined || exchange.abort?.signal.aborted === true) return;
    this.#tell(exchange.listener, {
      kind: "vanished",
      how,
      request: exchange.open() as unknown as MillraceRequest,
      listener: exchange.site.view,
      remote: connection?.remote ?? { address: "", family: "unix" },
    });
  }

  #tell(listener: number, info: ClientErrorInfo): void {
    const { app } = this.#apps.ofListener(listener);
    const failed = (error: unknown): void => {
      this.#log.error({ err: error }, "the app's onClientError failed");
    };
    try {
      const result: unknown = app.onClientError?.(info);
      if (result instanceof Promise) result.catch(failed);
    } catch (error) {
      failed(error);
    }
  }
}

const HOW: Readonly<Record<number, "fin" | "reset" | "timeout">> = {
  [CLOSED_END]: "fin",
  [CLOSED_RESET]: "reset",
  [CLOSED_TIMEOUT]: "timeout",
};

/** The family as `PeerAddress` counts it, the address, the port; nobody knows it: no address. */
function endpointOf(text: string): Endpoint {
  const [family, address = "", port] = text.split(" ");
  if (family !== "1" && family !== "2") return { address: "", family: "unix" };
  return { address, port: Number(port), family: family === "1" ? "IPv4" : "IPv6" };
}

/** Nothing of a client reaches a log unescaped. A backslash is doubled: it can be undone. */
export function escapeBytes(latin1: string): string {
  // oxlint-disable-next-line no-control-regex -- they are what it looks for
  return latin1.replace(/[\0-\x1f\x7f-\xff\\]/g, (each) => {
    if (each === "\\") return "\\\\";
    if (each === "\r") return "\\r";
    if (each === "\n") return "\\n";
    return `\\x${each.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}
