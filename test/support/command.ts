/** Runs the command `millrace` of this build as a process of its own. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { DEADLINE_MS, within } from "./deadline.ts";
import { cleanEnv, repositoryFile } from "./environment.ts";
import type { Owner } from "./folder.ts";

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** A program and its arguments that start the command in their turn. */
  readonly wrapper?: readonly string[];
}

export interface Outcome {
  /** The exit code, or the name of the signal that ended the process. */
  readonly code: number | NodeJS.Signals;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that is running. It is killed with its test. */
export class Command {
  readonly child: ChildProcess;
  readonly #ended: Promise<Outcome>;
  #stdout = "";
  #stderr = "";
  #changed: () => void = () => undefined;

  constructor(owner: Owner, args: readonly string[], options: CommandOptions = {}) {
    const main = repositoryFile("dist/src/cli/main.js");
    const [wrapper = "", ...rest] = options.wrapper ?? [];
    const node = wrapper === "" ? [main] : [...rest, process.execPath, main];
    this.child = spawn(wrapper === "" ? process.execPath : wrapper, [...node, ...args], {
      cwd: options.cwd,
      env: cleanEnv(options.env),
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#stdout += text;
      this.#changed();
    });
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
      this.#changed();
    });
    this.#ended = new Promise((resolve) => {
      this.child.on("close", (code, signal) => {
        resolve({
          code: code ?? signal ?? "SIGKILL", stdout: this.#stdout, stderr: this.#stderr,
        });
        this.#changed();
      });
    });
    owner.teardown(() => {
      this.child.kill("SIGKILL");
    });
  }

  /** The end of the process. */
  async ended(ms: number = DEADLINE_MS): Promise<Outcome> {
    return await within(() => `the command's end; ${this.#printed()}`, this.#ended, ms);
  }

  /** Waits until one of the outputs matches. */
  async prints(pattern: RegExp, ms: number = DEADLINE_MS): Promise<RegExpExecArray> {
    const matched = new Promise<RegExpExecArray>((resolve, reject) => {
      this.#changed = () => {
        const match = pattern.exec(this.#stdout) ?? pattern.exec(this.#stderr);
        if (match !== null) resolve(match);
        else if (this.child.exitCode !== null) {
          reject(new Error(`ended without ${pattern}; ${this.#printed()}`));
        }
      };
      this.#changed();
    });
    return await within(() => `${pattern}; ${this.#printed()}`, matched, ms);
  }

  /** The URL of the first listener, without a slash at its end. */
  async url(): Promise<string> {
    const [url] = await this.prints(/http:\/\/[^\s/]+/, 30_000);
    return url;
  }

  #printed(): string {
    return `stdout: ${this.#stdout}, stderr: ${this.#stderr}`;
  }
}

/** Runs the command to its end. */
export async function runCommand(
  owner: Owner,
  args: readonly string[],
  options?: CommandOptions,
): Promise<Outcome> {
  return await new Command(owner, args, options).ended(30_000);
}
