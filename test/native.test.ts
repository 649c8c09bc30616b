/**
 * Loading the addon: what it refuses, and with which sentence. Each refusal is asked for in a
 * process of its own, since the addon is loaded once.
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import t from "tap";
import { checkParserVersion, loadNative } from "../src/native.ts";
import { LAYOUT } from "../src/shared/layout.ts";
import { cleanEnv, repositoryFile } from "./support/environment.ts";
import { ownFolder } from "./support/folder.ts";
import type { Owner } from "./support/folder.ts";

interface Refusal {
  readonly code: string;
  readonly message: string;
}

/** What `loadNative` throws in a new process, in which `before` has run. */
function refusal(before: string, addon?: string): Refusal {
  const url = pathToFileURL(repositoryFile("dist/src/native.js")).href;
  const source = `${before}
    const { loadNative } = await import(${JSON.stringify(url)});
    try {
      loadNative();
      process.stdout.write(JSON.stringify({ code: "none", message: "" }));
    } catch ({ code, message }) {
      process.stdout.write(JSON.stringify({ code, message }));
    }`;
  const env = cleanEnv(addon === undefined ? {} : { MILLRACE_ADDON: addon });
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ["--input-type=module", "-e", source],
    { env, encoding: "utf8" },
  );
  if (stdout === "") throw new Error(stderr);
  return JSON.parse(stdout) as Refusal;
}

/** A module in the place of the addon. */
function fakeAddon(owner: Owner, layout: object, parserPassed = true): string {
  const file = join(ownFolder(owner), "addon.cjs");
  writeFileSync(file, `module.exports = ${JSON.stringify({ parserPassed, layout })};\n`);
  return file;
}

t.test("the addon of this build is taken, and loaded once", async (t) => {
  const native = loadNative();
  t.equal(native, loadNative());
  t.equal(native.parserPassed, true);
  t.strictSame({ ...native.layout }, LAYOUT);
});

t.test("parsers of other layouts are refused", async (t) => {
  for (const version of ["9.3.0", "9.4.3", "9.10.0"]) checkParserVersion(version);
  for (const version of ["0", "8.1.2", "9.2.1", "10.0.0", "90.3.0", "text"]) {
    t.throws(() => checkParserVersion(version), { code: "ERR_MILLRACE_LLHTTP_VERSION" }, version);
  }
  const { code, message } = refusal(
    'Object.defineProperty(process.versions, "llhttp", { value: "9.2.1" });',
  );
  t.equal(code, "ERR_MILLRACE_LLHTTP_VERSION");
  t.match(message, /has llhttp 9\.2\.1; Millrace needs 9\.3 or a later 9/);
});

t.test("a parser that fails its test message is refused", async (t) => {
  const { code } = refusal("", fakeAddon(t, LAYOUT, false));
  t.equal(code, "ERR_MILLRACE_LLHTTP_VERSION");
});

t.test("an addon of another layout is refused, and the difference named", async (t) => {
  const moved = refusal("", fakeAddon(t, { ...LAYOUT, EVENT_WORDS: 17 }));
  t.equal(moved.code, "ERR_MILLRACE_ADDON_LAYOUT");
  t.match(moved.message, /disagree on EVENT_WORDS\. Build both again: npm run build/);

  const { EVENT_KIND: _missing, ...fewer } = LAYOUT;
  t.match(refusal("", fakeAddon(t, fewer)).message, /disagree on EVENT_KIND/);
  t.match(refusal("", fakeAddon(t, { ...LAYOUT, NEW_ROW: 1 })).message, /disagree on NEW_ROW/);
});

t.test("on another platform the supported ones are named", async (t) => {
  const changes = [
    'Object.defineProperty(process, "platform", { value: "darwin" });',
    'Object.defineProperty(process, "arch", { value: "arm64" });',
    "process.report.getReport = () => ({ header: {} });",
  ];
  for (const change of changes) {
    const { code, message } = refusal(change);
    t.equal(code, "ERR_MILLRACE_PLATFORM", change);
    t.match(message, /has no addon for \w+ on \w+.*Supported: Linux on x64 with glibc\./);
  }
});

t.test("an addon that cannot be loaded says why in one line", async (t) => {
  const missing = refusal("", join(ownFolder(t), "none.node"));
  t.equal(missing.code, "ERR_MILLRACE_PLATFORM");
  t.match(missing.message, /^The addon cannot be loaded: Cannot find module/);
  t.notMatch(missing.message, /\n/);

  const broken = join(ownFolder(t), "broken.node");
  writeFileSync(broken, "no shared object");
  t.match(refusal("", broken).message, /cannot be loaded: .*(?:too short|invalid ELF)/);
});

// As if a library had closed a descriptor that is the loop's: its number is given to the next.
t.test("an engine that the loop cannot poll is refused", async (t) => {
  const url = pathToFileURL(repositoryFile("dist/src/native.js")).href;
  const source = `
    import { closeSync, openSync } from "node:fs";
    import { createServer } from "node:net";
    const { loadNative } = await import(${JSON.stringify(url)});
    const native = loadNative();
    const options = { stuckMs: 0, balance: 0, connectionsMax: 0, connectionsPerAddressMax: 0 };
    const { handle, id } = native.createServer(options);
    const slot = native.addWorker(handle, 0);
    const taken = createServer().listen(0, "127.0.0.1", () => {
      const { fd } = taken._handle;
      while (openSync("/dev/null") < fd);
      closeSync(fd);
      const first = native.createEngine(id, slot, {}, () => {});
      while (openSync("/dev/null") < fd);
      const second = native.createEngine(id, slot, {}, () => {});
      process.stdout.write(typeof first + " " + typeof second);
      process.exit(0);
    });`;
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ["--input-type=module", "-e", source],
    { env: cleanEnv(), encoding: "utf8" },
  );
  t.equal(stdout, "undefined object", stderr);
  t.equal(status, 0);
});
