/** A real Redis for a test, on a Unix socket of the test's own folder: it has no port to share. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { until } from "./deadline.ts";
import { foreignEnv } from "./environment.ts";
import { type Owner, ownFolder } from "./folder.ts";

const PROGRAM = "/usr/bin/redis-server";

/** What a test passes as its `skip` where there is no Redis. */
export const skipRedisless: { skip: string | false } = {
  skip: existsSync(PROGRAM) ? false : "redis-server is not installed",
};

export class TestRedis {
  /** As the option `url` of a broker. */
  readonly path: string;
  readonly #folder: string;
  #process: ChildProcess | null = null;

  constructor(owner: Owner) {
    this.#folder = ownFolder(owner);
    this.path = join(this.#folder, "redis.sock");
    owner.teardown(() => this.kill());
  }

  /** Resolves when it takes connections. */
  async start(): Promise<void> {
    const options = ["--port", "0", "--unixsocket", this.path, "--dir", this.#folder];
    const rest = ["--save", "", "--appendonly", "no", "--loglevel", "warning"];
    this.#process = spawn(PROGRAM, [...options, ...rest], {
      stdio: "ignore", env: foreignEnv(),
    });
    await until("redis-server", () => this.#answers());
  }

  /** As a machine dies: nobody is told but by the kernel. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (child === null) return;
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    await exit;
  }

  /** It says nothing any more, and its connections stay. */
  freeze(): void {
    this.#process?.kill("SIGSTOP");
  }

  thaw(): void {
    this.#process?.kill("SIGCONT");
  }

  /** What the program answers to a command, without a package in between. */
  async ask(...words: string[]): Promise<string> {
    const socket = connect(this.path);
    const lines = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
    socket.end(`*${words.length}\r\n${lines.join("")}`);
    let answer = "";
    for await (const piece of socket) answer += String(piece);
    return answer;
  }

  async #answers(): Promise<boolean> {
    try {
      return (await this.ask("PING")) === "+PONG\r\n";
    } catch {
      return false;
    }
  }
}
