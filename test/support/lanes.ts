/**
 * Requests one after the other in several lanes, over kept and over new connections, on a port and
 * on a Unix socket: whatever is not an answer of status 200 is a failure.
 */
import { Agent, request } from "node:http";
import { until } from "./deadline.ts";

const LANES_EACH = 4;

export class Lanes {
  readonly failures: string[] = [];
  /** The bodies that came. */
  readonly seen: Set<string> = new Set();
  answered = 0;
  readonly #lanes: Promise<void>[] = [];
  readonly #agents: Agent[] = [];
  #isOver = false;

  constructor(url: URL, socketPath: string) {
    const { hostname: host, port, pathname: path } = url;
    for (const place of [{ host, port }, { socketPath }]) {
      for (const keepAlive of [true, false]) {
        const agent = new Agent({ keepAlive, maxSockets: LANES_EACH });
        this.#agents.push(agent);
        for (let lane = 0; lane < LANES_EACH; lane++) {
          this.#lanes.push(this.#run({ ...place, path, agent }));
        }
      }
    }
  }

  /** Resolves when so many more have been answered. */
  async more(count: number): Promise<void> {
    const goal = this.answered + count;
    await until(`${count} answers`, () => this.answered >= goal, 60_000);
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#lanes);
    for (const agent of this.#agents) agent.destroy();
  }

  async #run(options: object): Promise<void> {
    while (!this.#isOver) {
      try {
        this.seen.add(await once(options));
      } catch (error) {
        this.failures.push(String(error));
      }
      this.answered++;
    }
  }
}

function once(options: object): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request(options, (incoming) => {
      let body = "";
      incoming.setEncoding("utf8").on("data", (text: string) => (body += text));
      incoming.on("error", reject);
      incoming.on("end", () => {
        if (incoming.statusCode === 200) resolve(body);
        else reject(new Error(`status ${incoming.statusCode}: ${body}`));
      });
    });
    outgoing.on("error", reject);
    outgoing.end();
  });
}
