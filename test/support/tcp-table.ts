/** What the kernel says of a TCP connection of this machine, as one of its ends sees it. */
import { readFileSync } from "node:fs";

/** The codes of /proc/net/tcp. */
export const ESTABLISHED = "01";
export const CLOSE_WAIT = "08";
export const KEEP_ALIVE_TIMER = "02";

export interface TcpFacts {
  readonly state: string;
  readonly timer: string;
}

/** Undefined: there is no such connection any more, as after a reset. */
export function tcpFacts(localPort: number, remotePort: number): TcpFacts | undefined {
  for (const line of readFileSync("/proc/net/tcp", "utf8").split("\n").slice(1)) {
    const [, local, remote, state, , timer] = line.trim().split(/\s+/);
    if (local?.endsWith(hex(localPort)) !== true) continue;
    if (remote?.endsWith(hex(remotePort)) !== true) continue;
    return { state: state ?? "", timer: timer?.slice(0, 2) ?? "" };
  }
  return undefined;
}

function hex(port: number): string {
  return `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
}
