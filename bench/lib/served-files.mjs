/** The folder that the scenarios of files are served from: texts of known lengths. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const FILES_ROOT = fileURLToPath(new URL("../bin/files", import.meta.url));

const LENGTHS = { "1k.txt": 1 << 10, "1m.txt": 1 << 20 };

export const textOf = (name) => "x".repeat(LENGTHS[name]);

/** Old enough that no server takes them for just changed. */
export function writeFiles() {
  mkdirSync(FILES_ROOT, { recursive: true });
  for (const name of Object.keys(LENGTHS)) writeFileSync(join(FILES_ROOT, name), textOf(name));
}
