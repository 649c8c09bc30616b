/**
 * A broker for the topics of several servers, on the channels of a Redis: the entry
 * `millrace/redis`. It needs the package ioredis, which is the app's to install.
 *
 * Redis delivers to those that are connected, once at most, and so does this: what is published to
 * a channel while a server's connection is down does not reach that server. What a server publishes
 * while its own connection is down waits for it, up to a bound. What was on its way when a
 * connection broke is not sent again, since it may have arrived.
 *
 * Thread: a worker's; each has two connections, since one that has subscribed cannot publish.
 */
import { Redis, type RedisOptions } from "ioredis";
import type { Log } from "../shared/app.ts";
import type { Broker, BrokerHost } from "../shared/broker.ts";

export interface RedisBrokerOptions {
  /** As `redis://user:password@host:port`, `rediss://` for TLS. Default redis://127.0.0.1:6379. */
  url?: string;
  /** In front of each topic in the name of its channel. Default "millrace:". */
  prefix?: string;
  /**
   * Bytes of messages that may wait for the connection or for Redis to have taken them; beyond it
   * `publish` rejects, and the message is lost. Default 1 MiB, for each worker.
   */
  waitingBytesMax?: number;
  /** Milliseconds before the second attempt to connect; each one doubles it. Default 50. */
  reconnectDelayMs?: number;
  /** Milliseconds between attempts at most. Default 5000. */
  reconnectDelayMaxMs?: number;
  /** Milliseconds after which a connection that says nothing is given up. Default 10000. */
  silenceMs?: number;
  /** More for ioredis, such as `tls`, `sentinels` or `password`. */
  connection?: Omit<RedisOptions, "replyMapping">;
}

const DEFAULTS = {
  url: "redis://127.0.0.1:6379",
  prefix: "millrace:",
  waitingBytesMax: 1024 * 1024,
  reconnectDelayMs: 50,
  reconnectDelayMaxMs: 5000,
  silenceMs: 10_000,
};

/** How long `close` waits for Redis to have taken what was published. */
const CLOSE_MS = 1000;

/** For the member `broker` of an app. It connects when its worker starts. */
export function redisBroker(options: string | RedisBrokerOptions = {}): Broker {
  return new RedisBroker(typeof options === "string" ? { url: options } : options);
}

interface Waiting {
  readonly channel: string;
  readonly message: Buffer;
  readonly settle: (error?: Error) => void;
}

class RedisBroker implements Broker {
  readonly #options: typeof DEFAULTS & { connection?: RedisBrokerOptions["connection"] };
  readonly #topics = new Set<string>();
  /** Published while the connection was down, in order. */
  #waiting: Waiting[] = [];
  /** Of those that wait, and of those that Redis has not confirmed. */
  #bytes = 0;
  #publisher: RedisLink | null = null;
  #subscriber: RedisLink | null = null;
  #onIdle: () => void = () => {};

  constructor(options: RedisBrokerOptions) {
    this.#options = { ...DEFAULTS, ...options };
  }

  /** Does not wait for a connection: a server starts without Redis, too. */
  open({ log, deliver }: BrokerHost): void {
    const { prefix } = this.#options;
    this.#publisher = new RedisLink(this.#options, "publishing", log, () => this.#flush());
    this.#subscriber = new RedisLink(this.#options, "subscribing", log, () => this.#resubscribe());
    this.#subscriber.redis.on("messageBuffer", (channel: Buffer, message: Buffer) => {
      const name = channel.toString();
      if (name.startsWith(prefix)) deliver(name.slice(prefix.length), message);
    });
  }

  publish(topic: string, bytes: Uint8Array): Promise<void> {
    const { prefix, waitingBytesMax } = this.#options;
    if (this.#bytes + bytes.length > waitingBytesMax) {
      const reason = `more than waitingBytesMax (${waitingBytesMax}) bytes wait for Redis`;
      return Promise.reject(new Error(reason));
    }
    this.#bytes += bytes.length;
    const message = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return new Promise((resolve, reject) => {
      const settle = (error?: Error): void => {
        this.#bytes -= message.length;
        if (error === undefined) resolve();
        else reject(error);
        if (this.#bytes === 0) this.#onIdle();
      };
      this.#waiting.push({ channel: prefix + topic, message, settle });
      if (this.#publisher?.isReady === true) this.#flush();
    });
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { channel, message, settle } of waiting) {
      this.#publisher!.redis.publish(channel, message).then(() => settle(), settle);
    }
  }

  async subscribe(topic: string): Promise<void> {
    this.#topics.add(topic);
    if (this.#subscriber?.isReady === true) {
      await this.#subscriber.redis.subscribe(this.#options.prefix + topic);
    }
  }

  async unsubscribe(topic: string): Promise<void> {
    this.#topics.delete(topic);
    if (this.#subscriber?.isReady === true) {
      await this.#subscriber.redis.unsubscribe(this.#options.prefix + topic);
    }
  }

  /** A connection knows of no channel at first. */
  #resubscribe(): void {
    const channels = Array.from(this.#topics, (topic) => this.#options.prefix + topic);
    // If it fails, the connection has gone again, and the next one is told.
    if (channels.length > 0) this.#subscriber!.redis.subscribe(...channels).catch(() => {});
  }

  async close(): Promise<void> {
    this.#subscriber?.close();
    if (this.#bytes > 0 && this.#publisher?.isReady === true) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
        timer = setTimeout(resolve, CLOSE_MS);
      });
      clearTimeout(timer);
    }
    this.#publisher?.close();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { settle } of waiting) settle(new Error("the broker was closed before Redis came"));
  }
}

/** One connection that comes back, with a log of its outages: one line when it goes, one after. */
class RedisLink {
  readonly redis: Redis;
  isReady = false;
  readonly #log: Log;
  readonly #purpose: string;
  readonly #pulse: NodeJS.Timeout;
  #isDown = false;
  #isSilent = false;
  #isClosed = false;

  constructor(
    options: typeof DEFAULTS & { connection?: RedisBrokerOptions["connection"] },
    purpose: string,
    log: Log,
    ready: () => void,
  ) {
    this.#log = log;
    this.#purpose = purpose;
    const { url, reconnectDelayMs, reconnectDelayMaxMs, silenceMs, connection } = options;
    const settings: Omit<RedisOptions, "replyMapping"> = {
      ...connection,
      // What every Redis speaks: nothing newer is needed.
      protocol: 2,
      // What waits and what is subscribed again is decided above, where it is bounded.
      enableOfflineQueue: false,
      autoResubscribe: false,
      // It may have arrived: sent again it would come twice. It is rejected when its connection
      // goes, and with null never.
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      retryStrategy: (attempt: number) => (
        Math.min(reconnectDelayMs * 2 ** Math.min(attempt - 1, 20), reconnectDelayMaxMs)
      ),
    };
    this.redis = new Redis(url, settings);
    this.redis.on("ready", () => {
      this.#up();
      ready();
    });
    this.redis.on("error", (error: Error) => this.#down(error));
    this.redis.on("close", () => this.#down(new Error("the connection was closed")));
    this.#pulse = setInterval(() => this.#feel(), silenceMs);
    this.#pulse.unref();
  }

  close(): void {
    this.#isClosed = true;
    this.isReady = false;
    clearInterval(this.#pulse);
    this.redis.disconnect();
  }

  #up(): void {
    this.isReady = true;
    this.#isSilent = false;
    if (this.#isDown) this.#log.info(`Redis is there again, for ${this.#purpose}`);
    this.#isDown = false;
  }

  #down(error: Error): void {
    this.isReady = false;
    if (this.#isDown || this.#isClosed) return;
    this.#isDown = true;
    this.#log.error({ err: error }, `no connection to Redis, for ${this.#purpose}; tried again`);
  }

  /** A machine without its network sends no FIN: the system would wait a quarter of an hour. */
  #feel(): void {
    if (this.#isSilent) {
      this.#isSilent = false;
      this.redis.disconnect(true);
      return;
    }
    this.#isSilent = ["connect", "ready"].includes(this.redis.status);
    if (!this.isReady) return;
    const heard = (): void => void (this.#isSilent = false);
    this.redis.ping().then(heard, () => {}); // if it fails, the connection has gone anyway
  }
}
