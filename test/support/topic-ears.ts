/** WebSockets of the package ws that keep what they hear, for tests of topics. */
import { once } from "node:events";
import { WebSocket } from "ws";
import { until } from "./deadline.ts";
import type { Owner } from "./folder.ts";

/** The app that they talk to; each new socket is told its worker and subscribes to "t". */
export const TOPICS_APP = `
  let worker;
  const pause = (request) => new Promise((resolve) => {
    request.signal.addEventListener("abort", () => resolve(new Response("")));
  });
  const orders = {
    publish: (socket, text) => socket.publish("t", text),
    everybody: (socket, text) => worker.server.publish("t", text),
    binary: (socket, text) => socket.publishBinary("t", Buffer.from(text)),
    compressed: (socket, text) => worker.server.publish("t", text.repeat(500), true),
    corked: (socket, text) => socket.cork(() => {
      socket.send(text + " before");
      worker.server.publish("t", text + " for all");
      socket.send(text + " after");
    }),
    mixed(socket, text) {
      const [count, bytes] = text.split(" ").map(Number);
      for (let i = 0; i < count; i++) {
        socket.send(i + " own".padEnd(bytes));
        worker.server.publish("t", i + " all".padEnd(bytes), i % 3 === 0);
      }
    },
    burst(socket, text) {
      for (let i = 0; i < Number(text); i++) socket.publish("t", worker.id + " " + i);
    },
    leave: (socket) => { socket.unsubscribe("t"); socket.send("left"); },
  };
  export default {
    init(info) { worker = info; },
    routes: {
      "/pause": (request) => pause(request),
      "/publish/:text": (request, context) => new Response(
        String(context.publish("t", request.params.text))),
      "/count": async (request, context) => Response.json(
        [context.subscriberCount("t"), await context.server.subscriberCount("t")]),
    },
    fetch(request, context) {
      if (context.upgrade(request, { data: null })) return undefined;
      return new Response("no WebSocket", { status: 400 });
    },
    websocket: {
      perMessageDeflate: true,
      backpressureLimit: 0,
      closeSpreadMs: 0,
      open(socket) {
        socket.subscribe("t");
        socket.send("worker " + worker.id);
      },
      message(socket, message) {
        const [order] = message.split(" ", 1);
        orders[order](socket, message.slice(order.length + 1));
      },
    },
    ...extra,
  };
`;

/** The app, and what else it is to have: an expression of an object. */
export function topicsApp(extra: string = "{}", imports: string = ""): string {
  return `${imports}\n const extra = ${extra};\n${TOPICS_APP}`;
}

export class Ear {
  readonly heard: string[] = [];
  readonly socket: WebSocket;
  worker = "";

  constructor(url: string) {
    this.socket = new WebSocket(url.replace(/^http/, "ws"), { perMessageDeflate: true });
    this.socket.on("message", (data: Buffer, isBinary) => {
      const text = isBinary ? `binary ${data.toString()}` : data.toString();
      if (this.worker === "") this.worker = text;
      else this.heard.push(text);
    });
    this.socket.on("error", () => {}); // 'close' follows
  }

  say(order: string): void {
    this.socket.send(order);
  }

  async hears(count: number): Promise<readonly string[]> {
    await until(`${count} messages`, () => this.heard.length >= count);
    return this.heard;
  }

  async end(): Promise<void> {
    const closed = once(this.socket, "close");
    this.socket.close();
    await closed;
  }
}

/** Connected and subscribed. */
export async function listen(owner: Owner, url: string): Promise<Ear> {
  const ear = new Ear(url);
  owner.teardown(() => ear.socket.terminate());
  await until("the socket's first message", () => ear.worker !== "");
  return ear;
}
