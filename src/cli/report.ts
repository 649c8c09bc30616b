/** What the command line prints once the server listens. Pure. */
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { ListenerInfo } from "../shared/app.ts";

export interface ReportFacts {
  readonly version: string;
  /** The URL of the app's module; undefined for an app that the configuration file made. */
  readonly app: string | undefined;
  readonly workers: number;
  readonly listeners: readonly ListenerInfo[];
}

export function reportText(facts: ReportFacts): string {
  const idWidth = Math.max(...facts.listeners.map(({ name }) => name.length));
  const lines = [
    `Millrace ${facts.version} serves ${shortPath(facts.app)} ${workersText(facts.workers)}`,
    ...facts.listeners.map((each) => `  ${each.name.padEnd(idWidth)}  ${each.url}`),
  ];
  const local = facts.listeners.find((each) => isLoopback(each.host));
  if (local !== undefined) lines.push(localText(local));
  return lines.join("\n") + "\n";
}

function workersText(count: number): string {
  if (count === 0) return "in the primary thread, without workers";
  return count === 1 ? "with 1 worker" : `with ${count} workers`;
}

function localText(listener: ListenerInfo): string {
  const flag = listener.id === "default" ? "--host 0.0.0.0" : "--listener with another bind";
  return `${listener.host} answers only this machine; ${flag} answers the network too`;
}

function isLoopback(host: string | undefined): boolean {
  return host === "localhost" || host === "::1" || (host?.startsWith("127.") ?? false);
}

/** Against the working directory where that is shorter. */
function shortPath(href: string | undefined): string {
  if (href === undefined) return "the app of the configuration file";
  const path = fileURLToPath(href);
  const short = relative(process.cwd(), path);
  return short.length < path.length ? short : path;
}
