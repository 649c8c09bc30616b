/**
 * Where a listener may listen, as text and as a URL: ports, addresses, Unix paths and abstract
 * names, inherited descriptors, systemd's sockets. Pure; used in the primary and on the command
 * line.
 */
import { isIPv6 } from "node:net";
import { MillraceError } from "../shared/errors.ts";
import { integer, passes, show } from "./checks.ts";

export type Bind =
  /** A numeric address, or a name that stands for each of its addresses. */
  | { readonly host: string; readonly port: number }
  /** A Unix socket's path; with `@` in front an abstract name. `mode`: of its file. */
  | { readonly path: string; readonly mode?: number }
  /** A listening descriptor that this process was started with. */
  | { readonly fd: number }
  /** The sockets of that name that systemd has passed; all of them if it is empty. */
  | { readonly systemd: string };

/** What the members of a bind are called among the options of a listener. */
export interface BindOptions {
  host?: string;
  port?: number;
  path?: string;
  fd?: number;
  systemd?: string;
}

export const portCheck: ReturnType<typeof integer> = integer(0, 65535);
export const descriptorCheck: ReturnType<typeof integer> = integer(0, 2 ** 31 - 1);

/** In the words of refusals and of the help. */
export const BIND_FORMS: string = "port, host:port, [v6]:port, http://host:port, a path, @name, " +
  "fd:N, systemd or systemd:name";

/**
 * A bind as text: `port`, `host:port`, `[v6]:port`, either behind `http://`, the path of a Unix
 * socket with a slash, `@name`, `fd:N`, `systemd` or `systemd:name`. Throws
 * ERR_MILLRACE_OPTION_INVALID.
 */
export function parseBind(bind: string): BindOptions {
  if (/^\d+$/.test(bind)) return { port: parsePort(bind, bind) };
  if (bind.startsWith("@") && bind.length > 1) return { path: bind };
  const scheme = /^(https?):\/\//.exec(bind);
  if (scheme !== null) return parseUrl(scheme[1]!, bind.slice(scheme[0].length), bind);
  if (bind.includes("/")) return { path: bind };
  const descriptor = /^fd:(\d+)$/.exec(bind);
  if (descriptor !== null) return { fd: parseDescriptor(descriptor[1]!, bind) };
  const activated = /^systemd(?::(.+))?$/.exec(bind);
  if (activated !== null && !/^systemd:\d+$/.test(bind)) return { systemd: activated[1] ?? "" };
  return parseAddress(bind, bind);
}

function parseUrl(scheme: string, rest: string, bind: string): BindOptions {
  if (scheme === "https") throw invalid(`bind cannot be https yet: ${show(bind)}`);
  const authority = rest.replace(/\/$/, "");
  return parseAddress(/:\d+$/.test(authority) ? authority : `${authority}:80`, bind);
}

function parseAddress(text: string, bind: string): BindOptions {
  const parts = /^(?:\[([^\]]*)\]|([^:[\]/@]+)):(\d+)$/.exec(text);
  const host = parts?.[1] ?? parts?.[2];
  if (parts === null || host === undefined || (parts[1] !== undefined && !isIPv6(host))) {
    throw invalid(`bind must be ${BIND_FORMS}, not ${show(bind)}`);
  }
  return { host, port: parsePort(parts[3] ?? "", bind) };
}

function parsePort(digits: string, bind: string): number {
  const port = Number(digits);
  if (passes(portCheck, port)) return port;
  throw invalid(`the port of bind must be ${portCheck.says}, not ${show(bind)}`);
}

function parseDescriptor(digits: string, bind: string): number {
  const fd = Number(digits);
  if (passes(descriptorCheck, fd)) return fd;
  throw invalid(`the descriptor of bind must be ${descriptorCheck.says}, not ${show(bind)}`);
}

/** As `host:port`, `[v6]:port`, the path, `@name`, `fd:N`, `systemd` or `systemd:name`. */
export function bindText(bind: Bind): string {
  if ("path" in bind) return bind.path;
  if ("fd" in bind) return `fd:${bind.fd}`;
  if ("systemd" in bind) return bind.systemd === "" ? "systemd" : `systemd:${bind.systemd}`;
  return isIPv6(bind.host) ? `[${bind.host}]:${bind.port}` : `${bind.host}:${bind.port}`;
}

const WILDCARDS: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

/**
 * A URL that reaches the bind from this machine: a wildcard address becomes the loopback address,
 * or the host given. Unix sockets have `http+unix:` and the path. Empty for what only the system
 * knows: descriptors and systemd's sockets.
 */
export function bindUrl(
  bind: Bind,
  options: { readonly scheme?: "http" | "https"; readonly wildcardHost?: string } = {},
): string {
  const { scheme = "http", wildcardHost } = options;
  if ("path" in bind) return `${scheme}+unix:${bind.path}`;
  if (!("host" in bind)) return "";
  const loopback = WILDCARDS[bind.host];
  const host = loopback === undefined ? bind.host : wildcardHost ?? loopback;
  return `${scheme}://${bindText({ host, port: bind.port })}`;
}

function invalid(message: string): MillraceError {
  return new MillraceError("ERR_MILLRACE_OPTION_INVALID", message);
}
