/**
 * The process that is to take this one's place: started as this one was, with the listening
 * sockets as open descriptors, and given time until it serves. Thread: the primary's.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { realpathSync } from "node:fs";
import { dirname } from "node:path";
import type { Duplex } from "node:stream";
import { MillraceError } from "../shared/errors.ts";
import {
  HAND_OVER_VARIABLE, type HandedSocket, type HandOver, HandOverChannel, type HandOverMessage,
} from "./hand-over.ts";
import { within } from "./within.ts";

/** How long it may take from "take" to "taken", in which it only renames files. */
const TAKE_TIMEOUT_MS = 5000;
/** How long its end may come after that of the channel. */
const END_TIMEOUT_MS = 1000;
/** How long its last words may take after its end: who inherited its stderr may hold that open. */
const LAST_WORDS_MS = 500;
const CHANNEL = 3;
const STDERR = 4;
const FIRST_SOCKET = 5;
/** Of what it wrote to stderr, for the one who asked. */
const SAID_BYTES_MAX = 4096;
const SAID_LINES_MAX = 20;

export type SuccessorFacts = Omit<HandOver, "channel" | "stderr">;

/**
 * The folder this process was started in as its caller called it: a deployment is often switched
 * by a link, and the working directory is what the link pointed to then. A shell says it in $PWD;
 * systemd does not, but there the path of the program often goes through the link.
 */
const startFolder = folderOf([process.env["PWD"], ...foldersOf(process.argv[1])], process.cwd());

/** The first of those it may have been called that leads to it. */
function folderOf(called: readonly (string | undefined)[], real: string): string {
  return called.find((each) => each?.startsWith("/") && isSame(each, real)) ?? real;
}

/** From the nearest upwards. */
function foldersOf(path: string = "/"): string[] {
  const folder = dirname(path);
  return folder === path ? [folder] : [folder, ...foldersOf(folder)];
}

function isSame(called: string, real: string): boolean {
  try {
    return realpathSync(called) === realpathSync(real);
  } catch {
    return false;
  }
}

export class Successor {
  readonly #process: ChildProcess;
  readonly #channel: HandOverChannel;
  readonly #ended: Promise<string>;
  #said = "";

  /** Starts it. What it writes to stderr is written to this process's. */
  constructor(facts: SuccessorFacts) {
    const handOver: HandOver = {
      ...facts,
      channel: CHANNEL,
      stderr: STDERR,
      sockets: facts.sockets.map((each, index): HandedSocket => (
        { ...each, fd: FIRST_SOCKET + index }
      )),
    };
    this.#process = spawn(
      process.execPath,
      [...process.execArgv, ...process.argv.slice(1)],
      {
        cwd: startFolder,
        env: { ...process.env, [HAND_OVER_VARIABLE]: JSON.stringify(handOver) },
        detached: true,
        stdio: ["inherit", "inherit", "pipe", "pipe", 2, ...facts.sockets.map(({ fd }) => fd)],
      },
    );
    this.#ended = this.#end();
    this.#process.unref();
    this.#process.stderr?.on("data", (chunk: Buffer) => this.#hear(chunk));
    this.#channel = new HandOverChannel(this.#process.stdio[CHANNEL] as Duplex);
  }

  /** Why it has ended, once it has and what it said last has been heard. */
  async #end(): Promise<string> {
    const heard = new Promise<void>((resolve) => this.#process.once("close", () => resolve()));
    const reason = await new Promise<string>((resolve) => {
      this.#process.once("error", (error) => resolve(error.message));
      this.#process.once("exit", (code, signal) =>
        resolve(signal === null ? `it ended with the code ${code}` : `${signal} ended it`));
    });
    await within(heard, LAST_WORDS_MS, undefined);
    return reason;
  }

  get pid(): number {
    return this.#process.pid ?? -1;
  }

  /** The ids of the listeners it has, once it serves. Rejects with ERR_MILLRACE_UPGRADE. */
  async ready(timeoutMs: number): Promise<readonly string[]> {
    const message = await this.#next(timeoutMs);
    if (message.type === "ready") return message.listeners;
    throw this.#failed(message.type === "failed" ? message.message : "it said something else");
  }

  /** It takes the paths. Rejects with ERR_MILLRACE_UPGRADE. */
  async take(): Promise<void> {
    this.#channel.send({ type: "take" });
    const message = await this.#next(TAKE_TIMEOUT_MS);
    if (message.type !== "taken") throw this.#failed("it could not take the paths");
  }

  /** Nothing of it keeps this process. */
  release(): void {
    this.#channel.close();
    (this.#process.stderr as { unref?(): void } | null)?.unref?.();
  }

  /** Resolves when it is gone. */
  async kill(): Promise<void> {
    this.release();
    this.#process.kill("SIGKILL");
    await this.#ended;
  }

  async #next(timeoutMs: number): Promise<HandOverMessage> {
    const message = await within(this.#channel.receive(), timeoutMs, "late");
    if (message === "late") throw this.#failed(`it was not ready within ${timeoutMs} ms`);
    if (message !== null) return message;
    // The channel ends a moment before the process does, whose code says more.
    const endTimeoutMs = END_TIMEOUT_MS + LAST_WORDS_MS;
    throw this.#failed(await within(this.#ended, endTimeoutMs, "it closed the channel"));
  }

  #hear(chunk: Buffer): void {
    process.stderr.write(chunk);
    this.#said = (this.#said + chunk.toString("utf8")).slice(-SAID_BYTES_MAX);
  }

  #failed(why: string): MillraceError {
    const lines = this.#said.trim().split("\n").slice(-SAID_LINES_MAX);
    const said = lines.join("\n");
    const message = `The new process (${this.pid}) does not serve: ${why}`;
    return new MillraceError(
      "ERR_MILLRACE_UPGRADE",
      said === "" || message.includes(said) ? message : `${message}\n${said}`,
    );
  }
}
