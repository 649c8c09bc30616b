/** Tests of the link to a broker: what the broker of an app does wrong stays with it. */
import { randomUUID } from "node:crypto";
import t from "tap";
import type { Log } from "../../src/shared/app.ts";
import type { Broker, BrokerHost } from "../../src/shared/broker.ts";
import type { Published } from "../../src/shared/published.ts";
import { BrokerLink } from "../../src/worker/broker-link.ts";
import { Publication } from "../../src/worker/publication.ts";

/** A broker that joins the links of one thread, for there is nothing else in between. */
class LocalBroker implements Broker {
  readonly hosts: BrokerHost[] = [];
  readonly topics = new Set<string>();
  readonly calls: string[] = [];
  failure: Error | null = null;

  open(host: BrokerHost): void {
    this.hosts.push(host);
  }

  async publish(topic: string, message: Uint8Array): Promise<void> {
    if (this.failure !== null) throw this.failure;
    if (this.topics.has(topic)) for (const host of this.hosts) host.deliver(topic, message);
  }

  subscribe(topic: string): void {
    if (this.failure !== null) throw this.failure;
    this.topics.add(topic);
  }

  unsubscribe(topic: string): Promise<void> {
    this.topics.delete(topic);
    return this.failure === null ? Promise.resolve() : Promise.reject(this.failure);
  }

  close(): void {
    if (this.failure !== null) throw this.failure;
    this.calls.push("close");
  }
}

interface Lines {
  readonly log: Log;
  readonly lines: string[];
}

function keepLog(): Lines {
  const lines: string[] = [];
  const line = (_facts: unknown, text: string): number => lines.push(text);
  return { log: { error: line, info: line } as unknown as Log, lines };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const message = (data: string): Publication =>
  new Publication({ topic: "a", data, compress: false });

t.test("other servers' messages are received, one's own are not", async (t) => {
  const broker = new LocalBroker();
  const { log } = keepLog();
  const got: [string, Published][] = [];
  const link = new BrokerLink(broker, randomUUID(), log);
  const other = new BrokerLink(broker, randomUUID(), log);
  await link.open((published) => got.push(["one", published]));
  await other.open((published) => got.push(["other", published]));
  link.publish(message("nobody"));
  link.subscribe("a");
  link.publish(message("hello"));
  t.strictSame(got, [["other", { topic: "a", data: "hello", compress: false }]]);
  await other.close();
  link.publish(message("late"));
  t.equal(got.length, 1, "who has closed gets nothing");
  link.unsubscribe("a");
  t.equal(broker.topics.size, 0);
});

t.test("what a broker throws or rejects with is logged, losses once per outage", async (t) => {
  const broker = new LocalBroker();
  const { log, lines } = keepLog();
  const link = new BrokerLink(broker, randomUUID(), log);
  await link.open(() => {});
  broker.failure = new Error("not now");
  for (let i = 0; i < 3; i++) link.publish(message("lost"));
  link.subscribe("a");
  link.unsubscribe("a");
  await turn();
  t.strictSame(lines.toSorted(), [
    "the broker has lost a message; more are only counted",
    "the broker's subscribe failed", "the broker's unsubscribe failed",
  ]);
  broker.failure = null;
  link.publish(message("found"));
  await turn();
  t.equal(lines.at(-1), "the broker takes messages again");
  broker.failure = new Error("for ever");
  await link.close();
  t.equal(lines.at(-1), "the broker's close failed");
});

t.test("a broker that cannot be opened says why", async (t) => {
  const broker = new LocalBroker();
  broker.open = () => { throw new Error("no such place"); };
  const link = new BrokerLink(broker, randomUUID(), keepLog().log);
  await t.rejects(link.open(() => {}), {
    code: "ERR_MILLRACE_BROKER", message: /no such place/, cause: { message: "no such place" },
  });
});
