/**
 * The app of the tests that stop and kill servers: each path does one thing. Where LIFECYCLE_LOG
 * names a file, a line of it tells each start and end. LIFECYCLE_AGAIN says what every `init` after
 * the first LIFECYCLE_AGAIN_AFTER does: hang, fail, crash a little later, or die in one of the ways
 * of deaths.ts.
 */
import { appendFileSync, readFileSync } from "node:fs";
import { threadId } from "node:worker_threads";
import type { App, Context } from "../../src/shared/app.ts";
import { isWay, type Way, WAYS } from "./deaths.ts";
import { Gate } from "./gate.ts";

const file = process.env["LIFECYCLE_LOG"];
const again = process.env["LIFECYCLE_AGAIN"];
const againAfter = Number(process.env["LIFECYCLE_AGAIN_AFTER"] ?? "1");

/** What a request of `/burn` costs its thread. */
const BURN_MS = 2;

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

async function initAgain(): Promise<void> {
  if (again === "hang") await new Promise(() => undefined);
  if (again === "fail") WAYS.throw();
  if (again === "crash") setTimeout(WAYS.throw, 1);
  if (again !== undefined && isWay(again)) WAYS[again]();
}

async function* dying(way: Way): AsyncGenerator<string> {
  yield "first ";
  await new Promise((resolve) => setTimeout(resolve, 1));
  WAYS[way]();
  yield "second";
}

/** Dies in this way, in the handler itself or once the answer has begun or gone. */
function die(place: string, way: Way): Response {
  if (place === "timer") return later(WAYS[way]);
  if (place === "stream") return new Response(dying(way) as unknown as ReadableStream);
  WAYS[way]();
  return new Response("survived");
}

async function* halves(gate: Gate): AsyncGenerator<string> {
  yield "first ";
  await gate.pass();
  yield "second";
}

const app: App = {
  routes: {
    "/": () => new Response("hello"),
    "/burn": () => {
      const end = performance.now() + BURN_MS;
      while (performance.now() < end);
      return new Response("burnt");
    },
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
    "/die/:place/:way": (request) =>
      die(request.params["place"]!, request.params["way"] as Way),
    "/late-throw": () => later(WAYS.throw),
    "/late-exit": () => later(WAYS.exit),
    "/late-rejection": () => later(WAYS.rejection),
    "/late-heap": () => later(WAYS.heap),
    "/exit": () => die("handler", "exit"),
    "/heap": () => die("handler", "heap"),
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
    const before = file === undefined ? [] : readFileSync(file, "utf8").match(/^init$/gm) ?? [];
    note("init");
    if (before.length >= againAfter) await initAgain();
  },
  close: () => note("close"),
};

export default app;
