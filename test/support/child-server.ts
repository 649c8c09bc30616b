/**
 * A server in a process of its own: serves the lifecycle app with the options given as JSON in the
 * first argument, prints the URL of its first listener, and ends when the server has closed. The
 * names of CHILD_HOSTS, which is JSON too, have the addresses given there. In the phase CHILD_AT of
 * a stop it exits with 3, or sends itself the signal that CHILD_SENDS names; SIGWINCH has it exit
 * with 3 at any time.
 */
import { serve } from "../../src/index.ts";
import type { ServeOptions } from "../../src/options.ts";
import type { ListenerErrorInfo } from "../../src/shared/app.ts";
import { Gate } from "./gate.ts";
import { LIFECYCLE_APP } from "./lifecycle.ts";
import { nameHosts } from "./lookup.ts";

const options = JSON.parse(process.argv[2] ?? "{}") as Partial<ServeOptions>;
const hosts = JSON.parse(process.env["CHILD_HOSTS"] ?? "{}") as Record<string, string[]>;
nameHosts({ teardown: () => undefined }, hosts);
const gate = new Gate();
const server = await serve({
  app: LIFECYCLE_APP,
  workers: 1,
  logLevel: "silent",
  listeners: [{ id: "default", host: "127.0.0.1", port: 0, data: gate.buffer }],
  ...options,
});
process.stdout.write(`${server.url}\n`);
server.events.on("stopping", ({ phase }: { phase: string }) => {
  process.stdout.write(`stopping ${phase}\n`);
  if (phase !== process.env["CHILD_AT"]) return;
  const sends = process.env["CHILD_SENDS"];
  if (sends === undefined) process.exit(3);
  process.kill(process.pid, sends);
});
process.on("SIGWINCH", () => process.exit(3));
server.events.on("listenerError", ({ error, action }: ListenerErrorInfo) => {
  process.stdout.write(`listenerError ${(error.cause as { code: string }).code} ${action}\n`);
});
server.events.on("listening", ({ id }: { id: string }) => {
  process.stdout.write(`listening ${id}\n`);
});
server.events.on("reload", ({ generation }: { generation: number }) => {
  process.stdout.write(`reload ${generation}\n`);
});
server.events.on("error", ({ code }: { code: string }) => process.stdout.write(`error ${code}\n`));
const look = setInterval(() => {
  if (gate.count === 0) return;
  process.stdout.write("at the gate\n");
  clearInterval(look);
}, 5).unref();
await server.closed;
process.stdout.write("closed\n");
