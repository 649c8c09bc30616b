/** A port for programs that have to be told one. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";

/** Below are those of services that a machine may start by itself. */
const FIRST = 10_000;

/**
 * Of 127.0.0.1; nobody has it now. It lies below those that the system gives to connections and to
 * listeners without a port, or one of another test could take it before the program does.
 */
export async function freePort(): Promise<number> {
  const range = readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8");
  const end = Math.max(Number.parseInt(range, 10), FIRST + 1000);
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * (end - FIRST));
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch {
    return false;
  }
  server.close();
  await once(server, "close");
  return true;
}
