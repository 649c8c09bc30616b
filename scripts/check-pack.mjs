/**
 * Proves that the package works: packs it, looks at what is in it, installs it in an empty folder
 * with --ignore-scripts, and lets the installed command serve the hello example.
 */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { printedUrl, root } from "./support.mjs";

const PACK_BYTES_MAX = 2_000_000;

const folder = mkdtempSync(join(tmpdir(), "millrace-pack-"));
try {
  const tarball = pack();
  install(tarball);
  await serveHello();
  checkImport();
  process.stdout.write("package check passed\n");
} finally {
  rmSync(folder, { recursive: true });
}

function npm(args, cwd) {
  const output = execFileSync("npm", args, {
    cwd,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  return output;
}

function pack() {
  const args = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder];
  const answer = JSON.parse(npm(args, root));
  const [facts] = Array.isArray(answer) ? answer : Object.values(answer);
  const names = facts.files.map(({ path }) => path);
  for (const needed of [
    "package.json", "README.md", "LICENSE", "dist/src/index.js", "dist/src/index.d.ts",
    "dist/src/cli/main.js", "dist/native/linux-x64/millrace.node", "examples/hello.mjs",
  ]) {
    assert.ok(names.includes(needed), `the package lacks ${needed}`);
  }
  const strays = names.filter((name) => /(^|\/)test\/|\.test\.|node_modules|\.map$/.test(name));
  assert.deepEqual(strays, [], "files that do not belong into the package");
  assert.ok(facts.size <= PACK_BYTES_MAX, `the package has ${facts.size} bytes`);
  return join(folder, facts.filename);
}

function install(tarball) {
  writeFileSync(join(folder, "package.json"), '{ "name": "empty", "private": true }\n');
  const quiet = ["--no-audit", "--no-fund", "--loglevel=error"];
  npm(["install", "--ignore-scripts", ...quiet, tarball], folder);
}

async function serveHello() {
  const command = join(folder, "node_modules/.bin/millrace");
  const app = "node_modules/millrace/examples/hello.mjs";
  const child = spawn(command, ["serve", app, "--port", "0"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const { url } = await printedUrl(child);
    assert.equal(await (await fetch(url)).text(), "Hello, World!");
    const exit = once(child, "exit");
    child.kill("SIGTERM");
    assert.deepEqual(await exit, [0, null]);
  } finally {
    child.kill("SIGKILL");
  }
}

/** The main entry and what it exports, as an installed module sees it. */
function checkImport() {
  const source = 'import { serve } from "millrace"; if (typeof serve !== "function") throw serve;';
  execFileSync(process.execPath, ["--input-type=module", "-e", source], {
    cwd: folder,
    stdio: "inherit",
  });
}
