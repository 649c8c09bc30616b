/**
 * A client that keeps a server fully loaded until it is told to stop, in a process of its own: wrk
 * where it is installed, else a loop over raw connections. Neither retries in silence what fails:
 * a request without its answer is counted, by whichever.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { within } from "./deadline.ts";
import { cleanEnv, foreignEnv, repositoryFile } from "./environment.ts";
import type { Owner } from "./folder.ts";

const CLIENT = repositoryFile("dist/test/support/load-client.js");
/** wrk ends at a signal; this is only for a test that hangs. */
const SECONDS_MAX = 120;

export interface LoadResult {
  readonly requests: number;
  /** Requests without an answer, connections that broke, answers that are not 2xx. */
  readonly failed: number;
}

export interface Load {
  readonly connections: number;
  /** Which of the two. */
  readonly client: string;
  stop(): Promise<LoadResult>;
}

export function startLoad(owner: Owner, url: string, connections: number): Load {
  const wrk = (process.env["PATH"] ?? "").split(delimiter)
    .map((folder) => join(folder, "wrk")).find(existsSync);
  const [command, args, env] = wrk === undefined
    ? [process.execPath, [CLIENT, url, String(connections)], cleanEnv()] as const
    : [
      wrk, ["-t1", `-c${connections}`, `-d${SECONDS_MAX}s`, "--timeout", "10s", url], foreignEnv(),
    ] as const;
  const child = spawn(command, args, { env, stdio: ["ignore", "pipe", "inherit"] });
  owner.teardown(() => void child.kill("SIGKILL"));
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (printed += text));
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  return {
    connections,
    client: wrk ?? CLIENT,
    async stop() {
      child.kill("SIGINT");
      await within(() => `the load client's report; it printed ${printed}`, ended, 30_000);
      return read(printed);
    },
  };
}

/** Both print what wrk prints. */
function read(printed: string): LoadResult {
  const requests = /(\d+) requests in/.exec(printed)?.[1];
  if (requests === undefined) throw new Error(`no report of the load client: ${printed}`);
  const numbers = /errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/;
  const errors = numbers.exec(printed);
  const others = /Non-2xx or 3xx responses: (\d+)/.exec(printed)?.[1] ?? "0";
  const failed = (errors?.slice(1) ?? []).reduce((sum, count) => sum + Number(count), 0);
  return { requests: Number(requests), failed: failed + Number(others) };
}
