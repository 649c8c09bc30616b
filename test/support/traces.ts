/** What a server could leave behind in its process. */
import { readdirSync, readlinkSync } from "node:fs";

/**
 * Sockets, pipes and the like. Files are left out: Node.js itself may lose the one of a module
 * when a thread ends while it is reading it.
 */
export function openDescriptors(): number {
  const targets = readdirSync("/proc/self/fd").map((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`);
    } catch {
      return ""; // that of the folder, which is closed again
    }
  });
  return targets.filter((target) => /^(?:socket|pipe|anon_inode):/.test(target)).length;
}

export function runningThreads(): number {
  return readdirSync("/proc/self/task").length;
}
