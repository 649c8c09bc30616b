/**
 * The main job, once, on whatever Node.js runs this script: two workers, GET, a route's parameter,
 * a POST that is echoed, a streamed answer, the command line, and a clean end. It needs dist/.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { printedUrl } from "./support.mjs";

const DEADLINE_MS = 60_000;
const APP = `
const encoder = new TextEncoder();
export default {
  routes: {
    "/": () => new Response("Hello, World!"),
    "/constant": new Response("constant"),
    "/users/:id": (request) => Response.json({ id: request.params.id }),
    "/echo": { POST: async (request) => new Response(await request.bytes()) },
    "/stream": () => new Response(new ReadableStream({
      async start(controller) {
        for (let index = 0; index < 5; index++) {
          controller.enqueue(encoder.encode("part " + index + ";"));
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        controller.close();
      },
    })),
  },
};
`;

const folder = mkdtempSync(join(tmpdir(), "millrace-smoke-"));
const app = join(folder, "app.mjs");
writeFileSync(app, APP);
const overdue = setTimeout(() => {
  process.stderr.write(`smoke test: no end after ${DEADLINE_MS} ms\n`);
  process.exit(1);
}, DEADLINE_MS);

try {
  await throughTheApi();
  await throughTheCommand();
  process.stdout.write(`smoke test passed on Node.js ${process.version}\n`);
} finally {
  clearTimeout(overdue);
  rmSync(folder, { recursive: true });
}

async function throughTheApi() {
  const { serve } = await import("../dist/src/index.js");
  const server = await serve({ app, workers: 2, port: 0, host: "127.0.0.1" });
  assert.equal(server.stats().workers.length, 2);
  await requests(server.url);
  await server.close();
  await server.closed;
  await assert.rejects(fetch(server.url), "a closed server still answers");
}

async function requests(url) {
  const text = async (path, init) => await (await fetch(new URL(path, url), init)).text();
  assert.equal(await text("/"), "Hello, World!");
  assert.equal(await text("/constant"), "constant");
  assert.equal(await text("/users/a%20b"), '{"id":"a b"}');
  const body = "0123456789".repeat(10_000);
  assert.equal(await text("/echo", { method: "POST", body }), body);
  assert.equal(await text("/stream"), "part 0;part 1;part 2;part 3;part 4;");
  assert.equal((await fetch(new URL("/missing", url))).status, 404);
  assert.equal((await fetch(new URL("/echo", url))).status, 405);
}

async function throughTheCommand() {
  const command = fileURLToPath(new URL("../dist/src/cli/main.js", import.meta.url));
  const args = [command, "serve", app, "--port", "0", "--workers", "2"];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const { url, output } = await printedUrl(child);
  assert.match(output, /with 2 workers/);
  await requests(url);
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  assert.deepEqual(await exit, [0, null]);
}
