/**
 * The listening sockets that systemd has passed to this process (sd_listen_fds(3)): descriptors
 * from 3 on, with names. The variables are read once and taken away, so that neither workers nor
 * programs that this one starts take them for theirs. Thread: the primary's.
 */
import { MillraceError } from "../shared/errors.ts";

const FIRST_DESCRIPTOR = 3;
/** More than a process can have. */
const COUNT_MAX = 65_536;

type Environment = Record<string, string | undefined>;

interface Passed {
  readonly fd: number;
  readonly name: string;
}

let passed: readonly Passed[] | undefined;

/** Reads the variables, once per process; without effect when they are for another process. */
export function claimSystemdSockets(env: Environment = process.env): void {
  passed ??= readSockets(env, process.pid);
}

/** What the variables say, which are gone afterwards; empty if they are not for this process. */
export function readSockets(env: Environment, pid: number): readonly Passed[] {
  const { LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES = "" } = env;
  if (Number(LISTEN_PID) !== pid || LISTEN_PID === "") return [];
  for (const name of ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]) delete env[name];
  const count = /^\d+$/.test(LISTEN_FDS ?? "") ? Math.min(Number(LISTEN_FDS), COUNT_MAX) : 0;
  const names = LISTEN_FDNAMES.split(":");
  return Array.from({ length: count }, (_, index) => (
    // `unknown` is what systemd calls one without a name.
    { fd: FIRST_DESCRIPTOR + index, name: names[index] || "unknown" }
  ));
}

/** The descriptors of that name; all if it is empty. Throws ERR_MILLRACE_BIND without any. */
export function systemdDescriptors(name: string): number[] {
  claimSystemdSockets();
  const found = passed!.filter((each) => name === "" || each.name === name);
  if (found.length > 0) return found.map(({ fd }) => fd);
  if (passed!.length === 0) {
    throw new MillraceError(
      "ERR_MILLRACE_BIND",
      "systemd has passed no socket to this process: LISTEN_FDS and LISTEN_PID are not set for it",
    );
  }
  const names = [...new Set(passed!.map((each) => each.name))].join(", ");
  throw new MillraceError(
    "ERR_MILLRACE_BIND",
    `systemd has passed no socket of the name ${name}; there are ${names}`,
  );
}
