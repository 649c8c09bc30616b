/**
 * The app of the tests that stop and kill servers: each path does one thing. Where LIFECYCLE_LOG
 * names a file, a line of it tells each start and end; LIFECYCLE_AGAIN says what every `init`
 * after the first does.
 */
import { appendFileSync, readFileSync } from "node:fs";
import { threadId } from "node:worker_threads";
import type { App, Context } from "../../src/shared/app.ts";
import { Gate } from "./gate.ts";

const file = process.env["LIFECYCLE_LOG"];
const again = process.env["LIFECYCLE_AGAIN"];

function note(line: string): void {
  if (file !== undefined) appendFileSync(file, `${line}\n`);
}

function gateOf(context: Context): Gate {
  return new Gate(context.listener.data as SharedArrayBuffer);
}

/** Once the answer has gone. */
function later(run: () => void): Response {
  setTimeout(run, 1);
  return new Response("bye");
}

function throws(): never {
  throw new Error("thrown on purpose");
}

function fillHeap(): void {
  const all: number[][] = [];
  for (;;) all.push(Array.from({ length: 1000 }, (_, index) => index));
}

async function initAgain(): Promise<void> {
  if (again === "hang") await new Promise(() => undefined);
  if (again === "fail") throws();
  if (again === "crash") setTimeout(throws, 1);
}

async function* halves(gate: Gate): AsyncGenerator<string> {
  yield "first ";
  await gate.pass();
  yield "second";
}

const app: App = {
  routes: {
    "/": () => new Response("hello"),
    "/thread": () => new Response(String(threadId)),
    "/echo": async (request) => new Response(await request.text()),
    "/wait": async (_request, context) => {
      await gateOf(context).pass();
      return new Response("waited");
    },
    "/block": (_request, context) => {
      gateOf(context).passBlocking();
      return new Response("blocked");
    },
    "/stream": (_request, context) =>
      new Response(halves(gateOf(context)) as unknown as ReadableStream),
    "/after": (_request, context) => {
      context.waitUntil(gateOf(context).pass().then(() => note("after")));
      return new Response("answered");
    },
    "/late-throw": () => later(throws),
    "/late-exit": () => later(() => process.exit(3)),
    "/late-rejection": () => later(() => void Promise.reject(new Error("rejected on purpose"))),
    "/late-heap": () => later(fillHeap),
    "/exit": () => process.exit(3),
    "/heap": () => {
      fillHeap();
      return new Response("never");
    },
    "/stop/:id": async (request, context) =>
      Response.json(await context.server.stopListener(request.params["id"]!)),
    "/pause/:id": async (request, context) => {
      await context.server.pauseListener(request.params["id"]!);
      return new Response("paused");
    },
    "/start/:id": async (request, context) => {
      await context.server.startListener(request.params["id"]!);
      return new Response("started");
    },
    "/close": async (_request, context) => {
      await context.server.close();
      return new Response("closing");
    },
    "/object": { handle: () => new Response("object"), close: () => note("object close") },
  },
  error: (error) => Response.json({ code: (error as { code?: string }).code }, { status: 500 }),
  async init() {
    const isFirst = file === undefined || again === undefined ||
      !readFileSync(file, "utf8").includes("init");
    note("init");
    if (!isFirst) await initAgain();
  },
  close: () => note("close"),
};

export default app;
