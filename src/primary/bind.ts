/**
 * From where a listener is to listen to the sockets that it takes: names become addresses, sockets
 * of systemd descriptors, and what goes wrong becomes one clear error. Thread: the primary's.
 */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { getSystemErrorName } from "node:util";
import type { NativeBind } from "../native.ts";
import { type Bind, bindText } from "../options/bind.ts";
import { MillraceError } from "../shared/errors.ts";
import { systemdDescriptors } from "./systemd-sockets.ts";

/** What native binds, one for each socket of the listener. Rejects with ERR_MILLRACE_BIND. */
export async function resolveBind(bind: Bind): Promise<NativeBind[]> {
  if ("systemd" in bind) return systemdDescriptors(bind.systemd).map((fd) => ({ fd }));
  if (!("host" in bind) || isIP(bind.host) !== 0) return [bind];
  try {
    const found = await lookup(bind.host, { all: true });
    // A hosts file may list an address twice.
    const addresses = new Set(found.map(({ address }) => address));
    return [...addresses].map((host) => ({ host, port: bind.port }));
  } catch (cause) {
    throw new MillraceError(
      "ERR_MILLRACE_BIND",
      `Cannot listen on ${bindText(bind)}: the host name is not known`,
      { cause },
    );
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: "the address is in use",
  EACCES: "no permission",
  EADDRNOTAVAIL: "this machine does not have the address",
  EAFNOSUPPORT: "this machine does not have this family of addresses",
  ENOENT: "the folder does not exist",
  EMFILE: "the process has no descriptor left",
  ENFILE: "the system has no descriptor left",
};

/** Of descriptors that were to be taken over. */
const DESCRIPTOR_REASONS: Readonly<Record<string, string>> = {
  EBADF: "the descriptor is not open",
  ENOTSOCK: "the descriptor is no socket",
  EINVAL: "the descriptor is no stream socket that listens",
  EEXIST: "the descriptor is in use in this process",
};

/** Accepting has failed; `errno` as native reports it. */
export function acceptError(bind: Bind, errno: number): MillraceError {
  const code = getSystemErrorName(-errno);
  const cause = Object.assign(new Error(`accept: ${code}`), {
    code, errno: -errno, syscall: "accept",
  });
  const message = `${bindText(bind)} cannot accept connections: ${REASONS[code] ?? code} (${code})`;
  return new MillraceError("ERR_MILLRACE_ACCEPT", message, { cause });
}

/** `errno` as native reports it, a positive number. */
export function bindError(bind: Bind, errno: number): MillraceError {
  const code = getSystemErrorName(-errno);
  const reasons = "fd" in bind ? DESCRIPTOR_REASONS : REASONS;
  const reason = reasons[code] ?? code;
  const cause = Object.assign(new Error(`bind: ${code}`), { code, errno: -errno, syscall: "bind" });
  return new MillraceError(
    "ERR_MILLRACE_BIND",
    `Cannot listen on ${bindText(bind)}: ${reason} (${code})`,
    { cause },
  );
}

/** None of a listener's addresses could be bound: the first one's error, or all of them as one. */
export function bindErrors(bind: Bind, errors: readonly MillraceError[]): MillraceError {
  const [first] = errors;
  if (errors.length === 1) return first!;
  const all = errors.map(({ message }) => message).join("; ");
  const { code } = first!.cause as { code?: string };
  const cause = Object.assign(new AggregateError(errors, all), { code });
  return new MillraceError("ERR_MILLRACE_BIND", `Cannot listen on ${bindText(bind)}: ${all}`, {
    cause,
  });
}
