/**
 * Who the client of a request is where proxies stand before this server, on one listener that
 * trusts some (`trustProxy`). Who is believed is decided in core/forwarded.cc, which the access log
 * asks too: both have the same client. Thread: the engine's.
 */
import type { Endpoint } from "../shared/app.ts";
import type { ListenerSettings } from "../shared/listener-settings.ts";
import type { Handle, Native } from "../native.ts";

/** What is asked of a request. */
export interface ForwardedRequest {
  /** Of a repeated field, all of its values with commas between. */
  find(name: string): string | undefined;
}

export interface ForwardedOrigin {
  /** `https:` or `http:`; undefined: the proxy does not say. */
  readonly scheme: string | undefined;
  readonly host: string | undefined;
}

export class Forwarded {
  readonly #native: Native;
  /** Of its own: a request may outlive its listener, whose index is another's then. */
  readonly #trust: Handle;
  readonly #settings: ListenerSettings;

  constructor(native: Native, settings: ListenerSettings) {
    const { trustProxy, forwardedFields } = settings;
    this.#native = native;
    this.#trust = native.makeTrust({ trustProxy: String(trustProxy), forwardedFields });
    this.#settings = settings;
  }

  client(request: ForwardedRequest, remote: Endpoint): Endpoint {
    const { address, port, family } = this.#ask(request, remote);
    // Most proxies tell no port; that is 0 to native.
    return port === undefined || port === 0 ? { address, family } : { address, port, family };
  }

  /** Null: the URL of a request is not the proxy's to say. */
  origin(request: ForwardedRequest, remote: Endpoint): ForwardedOrigin | null {
    const { forwardedUrl } = this.#settings;
    if (forwardedUrl === "off") return null;
    const { proto, host } = this.#ask(request, remote);
    const scheme = /^https?$/i.test(proto) ? `${proto.toLowerCase()}:` : undefined;
    const isHost = forwardedUrl === "origin" && host !== "" && isHostOfUrl(host);
    return { scheme, host: isHost ? host : undefined };
  }

  #ask(request: ForwardedRequest, { address, port = 0, family }: Endpoint): ReturnType<
    Native["forwardedClient"]
  > {
    const peer = `${family} ${port} ${address}`;
    const isStandard = this.#settings.forwardedFields === "forwarded";
    const field = (name: string): string => request.find(name) ?? "";
    return isStandard
      ? this.#native.forwardedClient(this.#trust, peer, field("forwarded"), "", "")
      : this.#native.forwardedClient(
        this.#trust, peer, field("x-forwarded-for"), field("x-forwarded-proto"),
        field("x-forwarded-host"),
      );
  }
}

/** A host and perhaps a port, and nothing that would become another part of the URL. */
function isHostOfUrl(host: string): boolean {
  return !/[/?#@\\\s]/.test(host) && URL.canParse(`http://${host}/`);
}

/** Null: it trusts nobody. */
export function forwardedOf(native: Native, settings: ListenerSettings): Forwarded | null {
  const trusted = String(settings.trustProxy);
  return trusted === "" || trusted === "0" ? null : new Forwarded(native, settings);
}
