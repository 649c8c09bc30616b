/**
 * What a server has towards those who operate it: the control socket, the pid file, its word to
 * systemd, and the processes before and after it. They come and go in one order, whether the
 * process is the first one or takes another's place. Thread: the primary's.
 */
import { resolve } from "node:path";
import type { Native, NativeBind } from "../native.ts";
import type { ResolvedOptions } from "../options.ts";
import type { UpgradeResult } from "../shared/control.ts";
import { controlExchange } from "./control-exchange.ts";
import { type Controlled, controlResources } from "./control-resources.ts";
import { ControlSocket } from "./control-socket.ts";
import type { HandedSocket } from "./hand-over.ts";
import type { Listeners } from "./listeners.ts";
import { Notifier, watchdogMsOf } from "./notifier.ts";
import { PidFile } from "./pid-file.ts";
import { Predecessor } from "./predecessor.ts";
import { Upgrade } from "./upgrade.ts";

/** A start of Node.js and of the server beside what its workers take. */
const START_GRACE_MS = 10_000;

/** The server that is operated. */
export interface Operated extends Omit<Controlled, "upgrade"> {
  readonly native: Native;
  readonly listeners: () => Pick<Listeners, "handedSockets" | "handOver" | "running">;
}

export class Operations {
  readonly #operated: Operated;
  /** Empty: there is none. */
  readonly #controlPath: string;
  readonly #pidFile: PidFile | null;
  readonly #notifier: Notifier;
  readonly #predecessor: Predecessor | null;
  readonly #upgrade: Upgrade;
  #control: ControlSocket | null = null;

  /** Before there are workers, which are given a copy of the environment. */
  constructor(options: ResolvedOptions, operated: Operated) {
    this.#operated = operated;
    this.#controlPath = options.control === "" ? "" : resolve(options.control);
    this.#predecessor = this.#controlPath === "" ? null : Predecessor.claim();
    // The one that systemd watched was the old process: its number is not this one's.
    if (this.#predecessor?.isWatched) process.env["WATCHDOG_PID"] = String(process.pid);
    this.#notifier = this.#makeNotifier(options.notify);
    this.#pidFile = options.pidFile === ""
      ? null
      : new PidFile(resolve(options.pidFile), this.#predecessor?.pid);
    this.#upgrade = this.#makeUpgrade(options.initTimeoutMs + START_GRACE_MS);
  }

  #makeNotifier(isOn: boolean): Notifier {
    return new Notifier({
      native: this.#operated.native,
      socket: isOn ? process.env["NOTIFY_SOCKET"] ?? "" : "",
      watchdogMs: watchdogMsOf(process.env, process.pid),
      workers: () => this.#operated.stats().workers,
      failed: (reason) => process.emitWarning(reason),
    });
  }

  #makeUpgrade(timeoutMs: number): Upgrade {
    const { isDraining } = this.#operated;
    return new Upgrade({
      pid: process.pid,
      control: this.#controlPath,
      timeoutMs,
      isWatched: () => watchdogMsOf(process.env, process.pid) > 0,
      isClosing: isDraining,
      sockets: () => this.#operated.listeners().handedSockets,
      running: () => this.#operated.listeners().running,
      restore: () => this.#restore(),
      handOver: (pid, listeners) => this.#handOver(pid, listeners),
    });
  }

  /** Before anything is bound: what could fail later is found out. */
  async prepare(): Promise<void> {
    this.#pidFile?.check();
    if (this.#controlPath !== "") await this.#openControl();
  }

  async #openControl(): Promise<void> {
    const { server, isDraining, stats } = this.#operated;
    const answer = controlResources({
      server, isDraining, stats, upgrade: async () => await this.upgrade(),
    });
    const control = new ControlSocket(this.#controlPath, controlExchange(answer));
    await control.open();
    this.#control = control;
  }

  /** Whether the listener runs in the process before this one; undefined: nothing is known. */
  isRunning(listener: string): boolean | undefined {
    return this.#predecessor?.isRunning(listener);
  }

  /** The sockets that the process before this one had bound for the listener. */
  socketsOf(listener: string): readonly HandedSocket[] {
    return this.#predecessor?.socketsOf(listener) ?? [];
  }

  /** The descriptor that the process before this one had bound there; -1 without. */
  takeSocket(listener: string, place: NativeBind): number {
    return this.#predecessor?.take(listener, place) ?? -1;
  }

  /** The server listens, and its workers take connections. */
  async announce(): Promise<void> {
    const predecessor = this.#predecessor;
    await predecessor?.offer();
    // In this order, since only the first can fail for want of room on a disk.
    this.#pidFile?.write();
    await this.#control?.publish(predecessor?.control === this.#controlPath);
    await predecessor?.finish(this.#operated.native);
    this.#notifier.ready(this.#status, predecessor === null ? undefined : process.pid);
  }

  get #status(): string {
    return `Serving on ${this.#operated.server.listeners.map(({ url }) => url).join(", ")}`;
  }

  /** A reload begins; resolves and rejects as it does, when systemd has heard of its end. */
  async reloading<T>(reload: Promise<T>): Promise<T> {
    this.#notifier.reloading();
    try {
      return await reload;
    } finally {
      this.#notifier.reloaded(this.#status);
    }
  }

  /** The server has not come to serve. */
  failed(error: unknown): void {
    this.#predecessor?.fail(error);
  }

  /** Connections are being ended, and the server after them. */
  stopping(): void {
    this.#notifier.stopping();
  }

  async upgrade(): Promise<UpgradeResult> {
    return await this.#upgrade.run();
  }

  /** Throws ERR_MILLRACE_UPGRADE while a new process starts, which has been told of listeners. */
  checkListenersFree(): void {
    this.#upgrade.checkIdle();
  }

  /** Drains without delay, since nobody is turned away. */
  #handOver(pid: number, listeners: ReadonlySet<string>): void {
    this.#notifier.handOver(pid);
    this.#operated.listeners().handOver(listeners);
    void this.#operated.server.close();
  }

  /** A new process that has failed may have taken the paths already, and is gone now. */
  async #restore(): Promise<void> {
    this.#pidFile?.write();
    if (this.#control === null || this.#control.isAtPath) return;
    const old = this.#control;
    await this.#openControl();
    await this.#control.publish(false);
    void old.close();
  }

  /** Nothing of the server is left. */
  async close(): Promise<void> {
    this.#notifier.close();
    this.#pidFile?.remove();
    await this.#control?.close();
  }
}
