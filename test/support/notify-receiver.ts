/**
 * What a service manager would hear: a datagram socket that a Python process reads, since Node.js
 * has none for Unix. Each message is an array of its lines.
 */
import { spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { until } from "./deadline.ts";
import { foreignEnv } from "./environment.ts";
import type { Owner } from "./folder.ts";

const SOURCE = `
import json, socket, sys
name = sys.argv[1]
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
receiver.bind("\\0" + name[1:] if name[0] == "@" else name)
print("[]", flush=True)
while True:
    data, extra, _, _ = receiver.recvmsg(4096, 64)
    pid = int.from_bytes(extra[0][2][:4], "little")
    print(json.dumps({"pid": pid, "lines": data.decode().split("\\n")}), flush=True)
`;

export interface Notice {
  /** Of the process that sent it, as the kernel says. */
  readonly pid: number;
  readonly lines: readonly string[];
}

/** What a test passes as its `skip`. */
export const skipWithoutPython: { skip: string | false } = {
  skip: spawnSync("python3", ["-c", ""], { env: foreignEnv() }).status !== 0 &&
    "python3 is not installed",
};

/** Starts to listen on a path or, behind `@`, an abstract name. */
export async function receiveNotices(owner: Owner, socket: string): Promise<Notice[]> {
  const child = spawn("python3", ["-c", SOURCE, socket], {
    env: foreignEnv(), stdio: ["ignore", "pipe", "inherit"],
  });
  owner.teardown(() => {
    child.kill("SIGKILL");
  });
  const notices: Notice[] = [];
  let isBound = false;
  createInterface(child.stdout).on("line", (line) => {
    if (isBound) notices.push(JSON.parse(line) as Notice);
    isBound = true;
  });
  await until("the receiver", () => isBound);
  return notices;
}

export function isHeard(notices: readonly Notice[], line: string): boolean {
  return notices.some(({ lines }) => lines.includes(line));
}
