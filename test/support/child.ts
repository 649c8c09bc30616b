/** Starts the child server and talks to it. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { until, within } from "./deadline.ts";
import { cleanEnv, repositoryFile } from "./environment.ts";
import type { Owner } from "./folder.ts";
import { connectRaw } from "./raw-client.ts";
import type { RawClient } from "./raw-client.ts";

const CHILD = repositoryFile("dist/test/support/child-server.js");
const QUOTED = /[^\w/.=-]/;

export interface ChildServer {
  readonly child: ChildProcess;
  readonly port: number;
  printed(): string;
  prints(text: string): Promise<void>;
  /** The exit code, or the name of the signal that ended it. */
  ended(): Promise<number | NodeJS.Signals | null>;
  connect(): Promise<RawClient>;
}

/**
 * `descriptors` bounds how many files the process may have open; `env` is what is added; `passed`
 * are descriptors that it inherits, as 3 and so on.
 */
export async function startChild(
  owner: Owner,
  options: object,
  descriptors?: number,
  env: Record<string, string> = {},
  passed: readonly number[] = [],
): Promise<ChildServer> {
  const node = [process.execPath, CHILD, JSON.stringify(options)];
  const [command, ...args] = descriptors === undefined
    ? node
    : ["/bin/sh", "-c", `ulimit -n ${descriptors}; exec "$@"`, "sh", ...node];
  if (QUOTED.test(CHILD)) throw new Error(`a path that sh would take apart: ${CHILD}`);
  const child = spawn(command!, args, {
    env: cleanEnv(env),
    stdio: ["ignore", "pipe", "inherit", ...passed],
  });
  owner.teardown(() => void child.kill("SIGKILL"));
  let printed = "";
  child.stdout!.setEncoding("utf8").on("data", (text: string) => (printed += text));
  const end = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.on("close", (code, signal) => resolve(code ?? signal));
  });
  const prints = async (text: string): Promise<void> =>
    await until(`${JSON.stringify(text)} from the child`, () => printed.includes(text), 30_000);
  await prints("\n");
  const port = Number(new URL(printed.split("\n")[0]!).port);
  return {
    child,
    port,
    printed: () => printed,
    prints,
    ended: async () => await within(() => `the child's end; it printed ${printed}`, end),
    async connect() {
      const client = await connectRaw({ port });
      owner.teardown(() => client.close());
      return client;
    },
  };
}
