/**
 * Requests one after the other on many connections, until stopped: what happens to a server under
 * load happens to these. Each answer is counted, and each connection that ended.
 */
import { until } from "./deadline.ts";
import { get } from "./lifecycle.ts";
import type { LifecycleServer } from "./lifecycle.ts";
import type { RawClient } from "./raw-client.ts";

export interface TrafficResult {
  /** How many answers had each status. */
  readonly statuses: Readonly<Record<number, number>>;
  /** What went wrong with connections: one line each. */
  readonly failures: readonly string[];
}

export class Traffic {
  readonly clients: readonly RawClient[];
  readonly #path: string;
  readonly #statuses: Record<number, number> = {};
  readonly #failures: string[] = [];
  readonly #running: Promise<void>[];
  #answers = 0;
  #isStopped = false;

  /** Use `startTraffic`. */
  constructor(clients: readonly RawClient[], path: string) {
    this.clients = clients;
    this.#path = path;
    this.#running = clients.map((client) => this.#run(client));
  }

  get answers(): number {
    return this.#answers;
  }

  /** Resolves when so many more have been answered. */
  async more(count: number): Promise<void> {
    const goal = this.#answers + count;
    await until(`${count} more answers`, () => this.#answers >= goal);
  }

  /** Resolves when each connection has had the answer it waits for. */
  async stop(): Promise<TrafficResult> {
    this.#isStopped = true;
    await Promise.all(this.#running);
    return { statuses: this.#statuses, failures: this.#failures };
  }

  async #run(client: RawClient): Promise<void> {
    try {
      while (!this.#isStopped) {
        const { status } = await client.request(get(this.#path));
        this.#statuses[status] = (this.#statuses[status] ?? 0) + 1;
        this.#answers++;
      }
    } catch (error) {
      this.#failures.push((error as Error).message);
    }
  }
}

export async function startTraffic(
  server: LifecycleServer,
  count: number,
  path: string = "/",
): Promise<Traffic> {
  const clients = await Promise.all(Array.from({ length: count }, () => server.connect()));
  return new Traffic(clients, path);
}
