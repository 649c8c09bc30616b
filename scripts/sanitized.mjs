/**
 * The addon with AddressSanitizer and UndefinedBehaviorSanitizer, in a folder of its own, and the
 * environment in which a Node.js process runs on it.
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { buildNative } from "./build-native.mjs";
import { root } from "./support.mjs";

const FLAGS = "-fsanitize=address,undefined -fno-sanitize=vptr -fno-sanitize-recover=undefined " +
  "-fno-omit-frame-pointer -O1 -g";

const folder = join(root, "dist/sanitized");
const addon = join(folder, "millrace.node");

/** node-gyp builds inside the folder of its binding.gyp, so the sources are copied to another. */
export function buildSanitized() {
  const sources = join(folder, "native-bindings");
  mkdirSync(sources, { recursive: true });
  cpSync(join(root, "native-bindings"), sources, {
    recursive: true,
    preserveTimestamps: true,
    filter: (path) => !path.startsWith(join(root, "native-bindings/build")),
  });
  buildNative(sources, addon, {
    ...process.env,
    CXXFLAGS: FLAGS,
    LDFLAGS: "-fsanitize=address,undefined",
  });
}

/** LD_PRELOAD is for Node.js processes: test/support/environment.ts keeps it from all others. */
export function sanitizedEnv() {
  const { PORT, HOST, NODE_OPTIONS, ...env } = process.env;
  const library = (name) =>
    execFileSync("gcc", [`-print-file-name=${name}`], { encoding: "utf8" }).trim();
  return {
    ...env,
    LD_PRELOAD: library("libasan.so"),
    // Node.js frees much only at exit, so leaks cannot be told from that.
    ASAN_OPTIONS: "detect_leaks=0:quarantine_size_mb=16",
    UBSAN_OPTIONS: "print_stacktrace=1:halt_on_error=1",
    MILLRACE_ADDON: addon,
    MILLRACE_SANITIZED: "1",
  };
}
