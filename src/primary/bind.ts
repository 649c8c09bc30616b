/**
 * Where a listener binds: names become addresses, and what goes wrong becomes one clear error.
 * Thread: the primary's.
 */
import { lookup } from "node:dns/promises";
import { isIP, isIPv6 } from "node:net";
import { getSystemErrorName } from "node:util";
import { MillraceError } from "../shared/errors.ts";

export type Bind =
  | { readonly host: string; readonly port: number }
  | { readonly path: string };

/** As `host:port`, `[v6]:port` or the path. */
export function bindText(bind: Bind): string {
  if ("path" in bind) return bind.path;
  return isIPv6(bind.host) ? `[${bind.host}]:${bind.port}` : `${bind.host}:${bind.port}`;
}

export function urlOf(bind: Bind, scheme: "http" | "https"): string {
  if ("path" in bind) return `${scheme}+unix:${bind.path}`;
  return `${scheme}://${bindText(bind)}`;
}

/** The numeric form that native binds. Rejects with ERR_MILLRACE_BIND. */
export async function resolveBind(bind: Bind): Promise<Bind> {
  if ("path" in bind || isIP(bind.host) !== 0) return bind;
  try {
    const { address } = await lookup(bind.host);
    return { host: address, port: bind.port };
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
  ENOENT: "the folder does not exist",
  EMFILE: "the process has no descriptor left",
  ENFILE: "the system has no descriptor left",
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
  const reason = REASONS[code] ?? code;
  const cause = Object.assign(new Error(`bind: ${code}`), { code, errno: -errno, syscall: "bind" });
  return new MillraceError(
    "ERR_MILLRACE_BIND",
    `Cannot listen on ${bindText(bind)}: ${reason} (${code})`,
    { cause },
  );
}
