/**
 * In a process that was started to take the place of another one: the sockets it finds open, and
 * the steps in which it takes over. Thread: the primary's.
 */
import { closeSync, fstatSync } from "node:fs";
import { Socket } from "node:net";
import type { Native, NativeBind } from "../native.ts";
import {
  HAND_OVER_VARIABLE, type HandedSocket, type HandOver, HandOverChannel,
} from "./hand-over.ts";
import { within } from "./within.ts";

/** How long it waits for the old process's last word before it goes on without. */
const END_TIMEOUT_MS = 5000;
const STDERR = 2;

type Environment = Record<string, string | undefined>;

export class Predecessor {
  readonly pid: number;
  /** Of its server. */
  readonly control: string;
  readonly isWatched: boolean;
  readonly #handOver: HandOver;
  readonly #channel: HandOverChannel;
  readonly #left: HandedSocket[];

  private constructor(handOver: HandOver) {
    this.#handOver = handOver;
    this.pid = handOver.pid;
    this.control = handOver.control;
    this.isWatched = handOver.isWatched;
    this.#left = [...handOver.sockets];
    this.#channel = new HandOverChannel(new Socket({ fd: handOver.channel }));
  }

  /**
   * The process that this one replaces; null if it replaces none. What tells so is taken out of
   * the environment, so that nobody else takes it for theirs.
   */
  static claim(env: Environment = process.env): Predecessor | null {
    const handOver = parse(env[HAND_OVER_VARIABLE]);
    delete env[HAND_OVER_VARIABLE];
    return handOver !== null && isForThisProcess(handOver) ? new Predecessor(handOver) : null;
  }

  /** Whether the listener runs there; undefined: `autoStart` decides. */
  isRunning(listener: string): boolean | undefined {
    const { running } = this.#handOver;
    return Object.hasOwn(running, listener) ? running[listener] : undefined;
  }

  /** What is left of the listener's sockets. */
  socketsOf(listener: string): readonly HandedSocket[] {
    return this.#left.filter((each) => each.listener === listener);
  }

  /** The descriptor that is bound there, once; -1 if there is none. Port 0 is any of its own. */
  take(listener: string, place: NativeBind): number {
    const index = this.#left.findIndex((each) => isSamePlace(each, listener, place));
    return index < 0 ? -1 : this.#left.splice(index, 1)[0]!.fd;
  }

  /** The old process's listeners of which all sockets have been taken. */
  get #taken(): string[] {
    const left = new Set(this.#left.map(({ listener }) => listener));
    const all = new Set(this.#handOver.sockets.map(({ listener }) => listener));
    return [...all].filter((listener) => !left.has(listener));
  }

  /** It serves: resolves when the old process has said that the paths are free to take. */
  async offer(): Promise<void> {
    this.#channel.send({ type: "ready", listeners: this.#taken });
    // An old process that has died meanwhile has left its paths.
    await this.#channel.receive();
  }

  /** The paths are taken: the old process may end. What it had and nobody took is closed. */
  async finish(native: Pick<Native, "replaceDescriptor">): Promise<void> {
    this.#channel.send({ type: "taken" });
    await within(this.#channel.receive(), END_TIMEOUT_MS, null);
    this.#release(native);
  }

  /** The old process goes on. */
  fail(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.#channel.send({ type: "failed", message });
    this.#channel.close();
  }

  #release(native: Pick<Native, "replaceDescriptor">): void {
    this.#channel.close();
    // Until now the old process has read what went wrong.
    native.replaceDescriptor(this.#handOver.stderr, STDERR);
    for (const { fd } of this.#left.splice(0)) closeSync(fd);
  }
}

function parse(text: string | undefined): HandOver | null {
  if (text === undefined) return null;
  try {
    const value = JSON.parse(text) as Partial<HandOver> | null;
    const isWhole = Number.isInteger(value?.pid) && Number.isInteger(value?.channel) &&
      Number.isInteger(value?.stderr) && Array.isArray(value?.sockets) && isObject(value?.running);
    return isWhole ? value as HandOver : null;
  } catch {
    return null;
  }
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

/** Not if somebody in between has passed the variable on without the descriptors. */
function isForThisProcess({ pid, channel }: HandOver): boolean {
  try {
    return (process.ppid === pid || !isAlive(pid)) && fstatSync(channel).isSocket();
  } catch {
    return false;
  }
}

/** Whether there is a process of that id, of this user. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function isSamePlace(handed: HandedSocket, listener: string, place: NativeBind): boolean {
  const { bound, fd } = handed;
  if ("fd" in place) return place.fd === fd;
  if ("path" in place) return "path" in bound && bound.path === place.path;
  const isPort = "port" in bound &&
    (place.port === 0 ? handed.listener === listener : bound.port === place.port);
  return isPort && bound.host === place.host;
}
