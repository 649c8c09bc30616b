/**
 * The app of the tests that switch protocols: each path does one thing with its sockets. Where
 * UPGRADE_LOG names a file, a line of it tells each start, stop, signal and end. A listener's data
 * is its gate.
 */
import { once } from "node:events";
import { appendFileSync } from "node:fs";
import type {
  App, Context, HandlerResult, MillraceRequest, SocketHandler, UpgradeContext, UpgradedSocket,
} from "../../src/shared/app.ts";
import { isWay, WAYS } from "./deaths.ts";
import { Gate } from "./gate.ts";

const file = process.env["UPGRADE_LOG"];

function note(line: string): void {
  if (file !== undefined) appendFileSync(file, `${line}\n`);
}

function gateOf({ listener }: { readonly listener: { readonly data: unknown } }): Gate {
  return new Gate(listener.data as SharedArrayBuffer);
}

/** Notes what it is asked, and runs `serve` for each socket. */
function noted(
  name: string,
  serve: (socket: UpgradedSocket, context: UpgradeContext) => Promise<void>,
  stop: (listener?: string) => void = () => {},
): SocketHandler {
  return {
    async start(socket, context) {
      const { listener, signal } = context;
      note(`${name} start ${listener.id}`);
      signal.addEventListener("abort", () => note(`${name} signal ${listener.id}`));
      try {
        await serve(socket, context);
      } finally {
        note(`${name} end ${listener.id}`);
      }
    },
    stop(...args) {
      note(["stop", name, ...args].join(" "));
      stop(...args);
    },
  };
}

/** Until the socket closes or the handler is to stop. */
async function hold(socket: UpgradedSocket, { signal }: UpgradeContext): Promise<void> {
  if (signal.aborted) return;
  await Promise.race([
    new Promise((resolve) => socket.once("close", resolve)),
    new Promise((resolve) => signal.addEventListener("abort", resolve)),
  ]);
}

const echo = noted("echo", async (socket, context) => {
  socket.on("data", (chunk: Buffer) => {
    if (!socket.write(chunk)) {
      socket.pause();
      socket.once("drain", () => socket.resume());
    }
  });
  await hold(socket, context);
});

const quiet: SocketHandler = {
  async start(socket) {
    await once(socket, "close");
  },
};

const handlers: Record<string, SocketHandler> = {
  echo,
  quiet,
  /** Says goodbye when it is asked to stop. */
  polite: noted("polite", async (socket, context) => {
    await hold(socket, context);
    socket.write("bye");
  }),
  /** Ends with the connection, whoever asks. */
  stubborn: noted("stubborn", async (socket) => {
    await new Promise((resolve) => socket.once("close", resolve));
  }),
  /** Reads all, then answers: half-close. */
  half: noted("half", async (socket) => {
    let length = 0;
    socket.on("data", (chunk: Buffer) => (length += chunk.length));
    await once(socket, "end");
    socket.write(`${length} bytes`);
  }),
  throws: noted("throws", () => {
    throw new Error("no start");
  }),
  rejects: noted("rejects", async (socket) => {
    await once(socket, "data");
    throw new Error("in the middle");
  }),
  listener: noted("listener", async (socket) => {
    socket.on("data", () => {
      throw new Error("in a listener");
    });
    await new Promise((resolve) => socket.once("close", resolve));
  }),
  /** Returns when far more waits than any socket takes. */
  floods: noted("floods", async (socket) => void socket.write(Buffer.alloc(64 << 20))),
  returns: { start: (socket) => void socket.write("hello, and goodbye") },
  failing: noted("failing", hold, () => {
    throw new Error("no stop");
  }),
  slow: noted("slow", async (socket, context) => {
    await gateOf(context).pass();
    socket.write("late");
  }),
  detached: noted("detached", async (socket, context) => {
    const detached = context.detach();
    socket.on("data", (chunk: Buffer) => {
      if (chunk.includes("fail")) socket.destroy(new Error("asked to"));
      else detached.done();
    });
  }),
  /** As fast as the peer takes it. */
  pours: noted("pours", async (socket) => {
    const block = Buffer.alloc(65_536, "x");
    let blocks = 0;
    socket.on("close", () => note(`pours closed after ${blocks} blocks`));
    while (!socket.destroyed && blocks < 10_000) {
      if (!socket.write(block)) await once(socket, "drain").catch(() => {});
      blocks++;
    }
  }),
  /** Never reads. */
  deaf: noted("deaf", (socket, context) => hold(socket, context)),
  resets: noted("resets", async (socket) => {
    await once(socket, "data");
    socket.resetAndDestroy();
  }),
  facts: noted("facts", async (socket, { connection, request, client, listener, log }) => {
    const { remoteAddress, remotePort, localPort, remoteFamily, readyState } = socket;
    connection.onClose(() => note("facts closed"), "one");
    connection.onClose(() => note("facts replaced"), "one");
    connection.onClose(() => note("facts other"), "two");
    connection.onClose(() => note("facts removed"), "three");
    connection.offClose("three");
    connection.state["seen"] = true;
    log.info("facts");
    await once(socket, "data");
    socket.write(JSON.stringify({
      remoteAddress, remotePort, localPort, remoteFamily, readyState, listener: listener.id,
      id: connection.id, client: client.address, header: request.headers.get("x-own"),
      url: request.url, closed: connection.closed,
    }));
  }),
  dies: {
    async start(socket) {
      const [chunk] = (await once(socket, "data")) as [Buffer];
      const way = chunk.toString();
      if (isWay(way)) setTimeout(WAYS[way], 1); // a start that throws ends its connection alone
    },
  },
};

function upgrade(name: string, request: MillraceRequest, context: Context): HandlerResult {
  const headers = { "x-own": "1" };
  const protocol = new URL(request.url).searchParams.get("protocol");
  return context.upgrade(handlers[name]!, { headers, ...(protocol !== null && { protocol }) });
}

/** An answer to one request that is given to another. */
let kept: Response | null = null;

const app: App = {
  routes: {
    "/up/:name": (request, context) => upgrade(request.params["name"]!, request, context),
    "/removable": (_, context) => context.upgrade(handlers["polite"]!),
    "/late/:name": async (request, context) => {
      await gateOf(context).pass();
      return upgrade(request.params["name"]!, request, context);
    },
    /** The answer is made before the gate, and given behind it. */
    "/early/:name": async (request, context) => {
      const answer = upgrade(request.params["name"]!, request, context);
      await gateOf(context).pass();
      return answer;
    },
    "/wait": async (_, context) => {
      await gateOf(context).pass();
      return new Response("waited");
    },
    "/body/:name": async (request, context) => {
      note(`body ${await request.text()}`);
      return upgrade(request.params["name"]!, request, context);
    },
    "/declines": () => new Response("not today"),
    "/closes": (request, context) => {
      const answer = upgrade("echo", request, context) as Response;
      answer.headers.set("connection", "close");
      return answer;
    },
    "/copies": (request, context) => (upgrade("echo", request, context) as Response).clone(),
    "/keeps": (request, context) => {
      kept = upgrade("echo", request, context) as Response;
      return new Response(`kept ${kept.status}`);
    },
    "/steals": () => kept!,
    "/wraps/inner": async (_, context) => {
      const answer = await context.next();
      answer.headers.set("x-wrapped", "1");
      return answer;
    },
    "/wraps/*": (request, context) => upgrade("echo", request, context),
    "/stop/:name": (request) => {
      void handlers[request.params["name"]!]!.stop?.();
      return new Response("asked");
    },
  },
  fetch(request, context) {
    if (request.method !== "CONNECT") return new Response("hello");
    return new URL(request.url).port === "1" ? undefined : context.upgrade(echo);
  },
};

export default app;
