/**
 * One listening socket of a listener: opened, held, closed, and opened again when it breaks, with
 * growing delays and not for ever. Thread: the primary's.
 */
import { isIPv6 } from "node:net";
import type { ListenerAddress } from "../shared/app.ts";
import type { MillraceError } from "../shared/errors.ts";
import type { Handle, Native, NativeBind } from "../native.ts";
import type { Bind } from "../options/bind.ts";
import { announceListener } from "./announce.ts";
import { acceptError, bindError } from "./bind.ts";

/** The first delay; each one in a row is twice the one before it, up to the longest. */
const REOPEN_DELAY_MS = 100;
const REOPEN_DELAY_MAX_MS = 5000;
/** A socket that has listened for this long has worked, even if nobody came. */
const WORKED_MS = 10_000;

/** What a socket asks of its listener. */
export interface SocketOwner {
  readonly native: Native;
  readonly server: Handle;
  readonly index: number;
  readonly backlog: number;
  readonly reopenMax: number;
  /** Accepting has failed, or opening again. */
  troubled(
    error: MillraceError,
    action: "waits" | "reopens" | "fails",
    address: ListenerAddress,
  ): void;
  reopened(): void;
  /** It will not be opened again. */
  failed(error: MillraceError): void;
}

/** How often in a row one place was opened again; it outlives the socket. */
export interface Retries {
  used: number;
}

type State = "closed" | "open" | "held" | "reopening" | "failed";

export class ListenerSocket {
  readonly #owner: SocketOwner;
  readonly #retries: Retries;
  #place: NativeBind;
  #state: State = "closed";
  #handle: Handle | null = null;
  #bound: Bind | null = null;
  #error: MillraceError | null = null;
  #openedAt = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(owner: SocketOwner, place: NativeBind, retries: Retries) {
    this.#owner = owner;
    this.#place = place;
    this.#retries = retries;
  }

  get state(): State {
    return this.#state;
  }

  /** Where the system says that it is bound; null before it was. */
  get bound(): Bind | null {
    return this.#bound;
  }

  /** Why it does not accept; null if it does, or is not to. */
  get error(): MillraceError | null {
    return this.#error;
  }

  /** Where it listens, or would without its error. */
  get address(): ListenerAddress {
    const address = addressOf(this.#bound ?? this.#place);
    return this.#error === null ? address : { ...address, error: this.#error.message };
  }

  /** -1 while it is not open. */
  get descriptor(): number {
    return this.#handle === null ? -1 : this.#owner.native.listenerDescriptor(this.#handle);
  }

  /**
   * Binds and accepts, or goes on with a descriptor that is bound there. The error,
   * ERR_MILLRACE_BIND, or null.
   */
  open(descriptor: number = -1): MillraceError | null {
    const { native, server, index, backlog } = this.#owner;
    const file = "path" in this.#place ? { path: this.#place.path } : {};
    const bind = descriptor < 0 ? this.#place : { fd: descriptor, ...file };
    const result = native.listen(server, index, bind, backlog, (...failure) =>
      this.#failed(...failure));
    if ("error" in result) return this.#refused(bindError(this.#place, result.error));
    this.#error = null;
    this.#handle = result.handle;
    this.#state = "open";
    this.#openedAt = performance.now();
    const { host, port, path } = result;
    this.#bound = host === "" ? { path } : { host, port };
    // A port that the system has chosen is taken again, and an adopted descriptor only once.
    if ("host" in this.#place) this.#place = { host: this.#place.host, port };
    if (host !== "") announceListener(host, port);
    return null;
  }

  #refused(error: MillraceError): MillraceError {
    this.#state = "failed";
    return (this.#error = error);
  }

  /** Tries once more what has failed for good; true if it listens now. */
  openFailed(): boolean {
    // Whoever has made an adopted one would have to make it again.
    if (this.#state !== "failed" || "fd" in this.#place) return false;
    const error = this.open();
    if (error !== null) this.#owner.troubled(error, "fails", this.address);
    return error === null;
  }

  /** Accepts nothing until it is released: those who come wait in the kernel's queue. */
  hold(): void {
    if (this.#state === "open") this.#setHeld(true);
  }

  release(): void {
    if (this.#state === "held") this.#setHeld(false);
  }

  #setHeld(isHeld: boolean): void {
    this.#owner.native.holdListener(this.#handle!, isHeld);
    this.#state = isHeld ? "held" : "open";
  }

  /** Who waits in its queue is accepted first, unless another process goes on with the socket. */
  close(isHandedOver: boolean = false): void {
    clearTimeout(this.#timer);
    const handle = this.#handle;
    this.#handle = null;
    this.#state = "closed";
    if (handle !== null) this.#owner.native.closeListener(handle, isHandedOver);
  }

  /** Without descriptors or memory native tries again by itself; the clients wait meanwhile. */
  #failed(errno: number, isBroken: boolean, hasAccepted: boolean): void {
    const error = acceptError(this.#bound ?? this.#place, errno);
    if (!isBroken) {
      this.#owner.troubled(error, "waits", this.address);
      return;
    }
    if (hasAccepted || performance.now() - this.#openedAt > WORKED_MS) this.#retries.used = 0;
    this.close();
    this.#retry(error);
  }

  #retry(error: MillraceError): void {
    const { used } = this.#retries;
    this.#error = error;
    if (used >= this.#owner.reopenMax || "fd" in this.#place) {
      this.#state = "failed";
      this.#owner.troubled(error, "fails", this.address);
      this.#owner.failed(error);
      return;
    }
    this.#state = "reopening";
    this.#retries.used++;
    this.#timer = setTimeout(
      () => this.#reopen(),
      Math.min(REOPEN_DELAY_MS * 2 ** used, REOPEN_DELAY_MAX_MS),
    );
    this.#timer.unref();
    this.#owner.troubled(error, "reopens", this.address);
  }

  #reopen(): void {
    if (this.#state !== "reopening") return;
    const error = this.open();
    if (error === null) this.#owner.reopened();
    else this.#retry(error);
  }
}

export function addressOf(bind: Bind): Omit<ListenerAddress, "error"> {
  if ("path" in bind) return { address: bind.path, family: "unix" };
  if (!("host" in bind)) return { address: "", family: "unix" };
  const { host: address, port } = bind;
  return { address, port, family: isIPv6(address) ? "IPv6" : "IPv4" };
}
