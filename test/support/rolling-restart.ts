/**
 * A real proxy, with a configuration of examples/deploy, in front of two instances that the command
 * runs. Under load each is stopped by SIGTERM and started again, several times: no request fails.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { Test } from "tap";
import { Command } from "./command.ts";
import { until } from "./deadline.ts";
import { foreignEnv, repositoryFile } from "./environment.ts";
import { ownFolder } from "./folder.ts";
import type { Owner } from "./folder.ts";
import { freePort } from "./free-port.ts";
import { SteadyClients } from "./steady-clients.ts";
import { writeApp } from "./server.ts";

const CONNECTIONS = 16;
const ROUNDS = 2;
const WAIT_MS = 30_000;
/** Much more than four restarts take: each waits for its drain. */
const TEST_MS = 110_000;
const STREAM_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so";
/** Where Debian has both, and a user's PATH may not lead. */
const ENV = foreignEnv({ PATH: `${process.env["PATH"]}:/usr/sbin` });
/** Folders that only root could make where nginx has them. */
const NGINX_FOLDERS = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
const APP = `
  import { setTimeout } from "node:timers/promises";
  let count = 0;
  export default {
    fetch: async (request, { connection }) => {
      // Some answers are under way whenever a signal comes.
      if (count++ % 8 === 0) await setTimeout(20);
      return new Response(process.pid + " " + connection.local.port);
    },
  };
`;
const REQUIRED = ["--proxy-protocol", "required", "--trusted-proxies", "127.0.0.1"];

export interface Front {
  readonly name: string;
  readonly program: "haproxy" | "nginx";
  /** Of examples/deploy. */
  readonly file: string;
  /** It asks for readiness, and needs time to do so. */
  readonly drainDelayMs: number;
  /** Whether the program passes the addresses of the client on in a PROXY header. */
  readonly announces: boolean;
  readonly change?: readonly [from: string, to: string];
}

function replaced(text: string, from: string, to: string): string {
  if (!text.includes(from)) throw new Error(`the configuration has no ${from} any more`);
  return text.replaceAll(from, to);
}

/** The file of the examples with this test's addresses. */
function configuration({ file, change }: Front, front: number, backs: readonly number[]): string {
  let text = readFileSync(repositoryFile(`examples/deploy/${file}`), "utf8");
  text = replaced(text, "0.0.0.0:8080", `127.0.0.1:${front}`);
  text = replaced(text, "10.0.0.11:3000", `127.0.0.1:${backs[0]}`);
  text = replaced(text, "10.0.0.12:3000", `127.0.0.1:${backs[1]}`);
  return change === undefined ? text : replaced(text, ...change);
}

/** Returns what gives the messages of the program so far. */
function startFront(owner: Owner, { program, file }: Front, text: string): () => string {
  const folder = ownFolder(owner);
  const path = join(folder, file);
  const folders = NGINX_FOLDERS.map((name) => `${name}_temp_path ${folder}/${name};`).join(" ");
  writeFileSync(path, text.replace("access_log off;", `access_log off; ${folders}`));
  const own = `daemon off; pid ${folder}/pid; error_log stderr warn;`;
  const args = program === "haproxy"
    ? ["-db", "-f", path]
    : ["-p", folder, "-c", path, "-g", own];
  const child = spawn(program, args, { env: ENV, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (more: string) => (said += more));
  const ended = once(child, "close");
  owner.teardown(async () => {
    child.kill("SIGTERM");
    await ended;
  });
  return () => said;
}

/** Why it cannot be tested here; false: it can. */
function lack({ program, file }: Front): string | false {
  const found = spawnSync(program, ["-v"], { env: ENV });
  if (found.error !== undefined) return `${program} is not installed`;
  const needsStream = file.includes("stream");
  return needsStream && !existsSync(STREAM_MODULE) && "libnginx-mod-stream is not installed";
}

/** The first answer that is one. */
async function firstAnswer(url: string, said: () => string): Promise<string> {
  const end = Date.now() + WAIT_MS;
  for (;;) {
    const answer = await fetch(url).catch(() => null);
    const body = await answer?.text() ?? "";
    if (answer?.status === 200) return body;
    if (Date.now() > end) throw new Error(`no answer of ${url}; ${said()}`);
    await setTimeout(20);
  }
}

export async function rollingRestart(tap: Test, front: Front): Promise<void> {
  const options = { skip: lack(front), timeout: TEST_MS };
  await tap.test(`${front.name}: rolling restarts fail no request`, options, async (t) => {
    const port = await freePort();
    const backs = [await freePort(), await freePort()];
    const app = writeApp(t, APP);
    const start = async (back: number): Promise<Command> => {
      const command = new Command(t, [
        app, "--port", String(back), "--workers", "2", "--readiness-path", "/readyz",
        "--drain-delay-ms", String(front.drainDelayMs), ...(front.announces ? REQUIRED : []),
      ]);
      await command.url();
      return command;
    };
    const instances = await Promise.all(backs.map(start));
    const said = startFront(t, front, configuration(front, port, backs));
    const url = `http://127.0.0.1:${port}/`;
    const [, local] = (await firstAnswer(url, said)).split(" ");
    t.equal(Number(local) === port, front.announces, "who has been connected to, as announced");
    const load = new SteadyClients(url, CONNECTIONS);
    const serves = async ({ child }: Command): Promise<void> => {
      const isSeen = (): boolean =>
        [...load.bodies.keys()].some((body) => body.startsWith(`${child.pid} `));
      await until(`answers of ${child.pid}; failures: ${load.failures[0] ?? "none"}`, isSeen,
        WAIT_MS);
    };
    for (const instance of instances) await serves(instance);
    for (let round = 0; round < ROUNDS; round++) {
      for (const [index, back] of backs.entries()) {
        const old = instances[index]!;
        old.child.kill("SIGTERM");
        t.equal((await old.ended(WAIT_MS)).code, 0, `instance ${index} ends in round ${round}`);
        const fresh = await start(back);
        instances[index] = fresh;
        await serves(fresh);
      }
    }
    await load.stop();
    t.strictSame(load.failures, [], `of ${load.answers} requests`);
    t.ok(load.answers > 100);
  });
}
