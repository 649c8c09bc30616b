/** What the tests need to know of the process they run in, and of those they start. */
import { fileURLToPath } from "node:url";

/** The addon was built with sanitizers, which keep what was freed: nothing is asked of memory. */
export const sanitized: boolean = process.env["MILLRACE_SANITIZED"] === "1";

/** The environment of a Node.js process that a test starts: without what tap put into ours. */
export function cleanEnv(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (/^(?:NODE_OPTIONS|PORT|HOST|_?TAP\w*|NODE_V8_COVERAGE)$/.test(name)) continue;
    if (name.startsWith("MILLRACE_") && !/^MILLRACE_(?:ADDON|SANITIZED)$/.test(name)) continue;
    env[name] = value;
  }
  return { ...env, ...extra };
}

/** The same for a process other than Node.js, which a preloaded sanitizer would break. */
export function foreignEnv(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const { LD_PRELOAD: _preload, ...env } = cleanEnv(extra);
  return env;
}

/** What has a Node.js process load a library, behind a sanitizer, which has to be the first. */
export function preloaded(library: string): { readonly LD_PRELOAD: string } {
  const sanitizer = process.env["LD_PRELOAD"];
  return { LD_PRELOAD: sanitizer === undefined ? library : `${sanitizer}:${library}` };
}

/** `systemd-socket-activate` passes only the variables on that it is told of. */
export function activateArguments(): string[] {
  const names = /^(?:LD_PRELOAD|(?:A|UB)SAN_OPTIONS|MILLRACE_(?:ADDON|SANITIZED))$/;
  return Object.entries(cleanEnv()).filter(([name]) => names.test(name))
    .flatMap(([name, value]) => ["-E", `${name}=${value}`]);
}

/** A file of the repository. The tests run from dist/test, whose depth is that of test plus one. */
export function repositoryFile(path: string): string {
  return fileURLToPath(new URL(`../../../${path}`, import.meta.url));
}
