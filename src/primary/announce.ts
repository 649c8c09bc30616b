/**
 * Makes a native listener visible to tools that wait for a server by its async resource
 * (`clinic --on-port`, 0x, autocannon): they look for one of type TCPSERVERWRAP, whose owner has
 * an address and says when it listens. Thread: the primary's.
 */
import { AsyncResource } from "node:async_hooks";
import { EventEmitter } from "node:events";

class ListeningOwner extends EventEmitter {
  readonly #port: number;
  readonly #host: string;

  constructor(host: string, port: number) {
    super();
    this.#host = host;
    this.#port = port;
  }

  address(): { address: string; family: string; port: number } {
    const family = this.#host.includes(":") ? "IPv6" : "IPv4";
    return { address: this.#host, family, port: this.#port };
  }
}

class ListeningResource extends AsyncResource {
  readonly owner: ListeningOwner;

  constructor(owner: ListeningOwner) {
    super("TCPSERVERWRAP");
    this.owner = owner;
  }
}

export function announceListener(host: string, port: number): void {
  const resource = new ListeningResource(new ListeningOwner(host, port));
  setImmediate(() => resource.owner.emit("listening"));
}
