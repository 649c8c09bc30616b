/**
 * Clients that ask without a pause over connections that are mostly kept, and count what fails:
 * anything but a whole answer with status 200. Nothing is tried again.
 */
import { Agent, request } from "node:http";

/** So many requests come to each that ends its connection. */
const LAST_EVERY = 50;

export class SteadyClients {
  readonly failures: string[] = [];
  /** How often each body came. */
  readonly bodies: Map<string, number> = new Map();
  readonly #url: string;
  readonly #agent: Agent;
  readonly #clients: Promise<void>[];
  #isOver = false;
  #asked = 0;

  constructor(url: string, connections: number) {
    this.#url = url;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
    this.#clients = Array.from({ length: connections }, async () => await this.#run());
  }

  get answers(): number {
    return [...this.bodies.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Resolves when the last answer has come. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#clients);
    this.#agent.destroy();
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      try {
        const { status, body } = await this.#ask();
        if (status === 200) this.bodies.set(body, (this.bodies.get(body) ?? 0) + 1);
        else this.failures.push(`status ${status}: ${body.slice(0, 200)}`);
      } catch (error) {
        this.failures.push(String(error));
      }
    }
  }

  async #ask(): Promise<{ status: number; body: string }> {
    return await new Promise((resolve, reject) => {
      // A proxy of bytes brings nobody to another server but with a connection.
      const isLast = ++this.#asked % LAST_EVERY === 0;
      const headers = isLast ? { connection: "close" } : {};
      const asked = request(this.#url, { agent: this.#agent, headers }, (answer) => {
        let body = "";
        answer.setEncoding("utf8");
        answer.on("data", (text: string) => (body += text));
        answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body }));
        answer.on("error", reject);
      });
      asked.on("error", reject);
      asked.end();
    });
  }
}
