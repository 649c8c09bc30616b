/**
 * Tests of the process that is started to take this one's place: what it is started with, and each
 * way in which it can fail. It runs the command line of the process that starts it, so these run
 * in processes of their own.
 */
import { spawn } from "node:child_process";
import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";
import t from "tap";
import { within } from "../support/deadline.ts";
import { cleanEnv, repositoryFile } from "../support/environment.ts";
import { ownFolder } from "../support/folder.ts";
import type { Owner } from "../support/folder.ts";

const from = (path: string): string => JSON.stringify(repositoryFile(`dist/src/primary/${path}`));

interface Start {
  /** Run before the other process is started. */
  readonly before?: string;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Where the program lies. */
  readonly folder?: string;
}

/** Runs `young` in the process that is started by the one that prints what became of it. */
async function outcome(owner: Owner, young: string, start: Start = {}): Promise<string> {
  const { before = "", cwd, env, folder = ownFolder(owner) } = start;
  const file = join(folder, "both.mjs");
  writeFileSync(file, `
import { Socket } from "node:net";
import { HandOverChannel } from ${from("hand-over.js")};
import { Successor } from ${from("successor.js")};
if (process.env.MILLRACE_HAND_OVER) {
  const { channel, ...facts } = JSON.parse(process.env.MILLRACE_HAND_OVER);
  const old = new HandOverChannel(new Socket({ fd: channel }));
  ${young}
} else {
  ${before}
  // As a server does: what is started must not keep a process that has nothing else to do.
  const serving = setInterval(() => {}, 1000);
  const facts = { pid: process.pid, control: "/c", isWatched: false, sockets: [], running: {} };
  const successor = new Successor(facts);
  try {
    const listeners = await successor.ready(10000);
    await successor.take();
    process.stdout.write("serves " + JSON.stringify(listeners));
    successor.release();
  } catch (error) {
    process.stdout.write(error.code + ": " + error.message);
    await successor.kill();
  }
  clearInterval(serving);
}`);
  const child = spawn(process.execPath, [file, "argument"], {
    cwd, env: cleanEnv(env), stdio: ["ignore", "pipe", "ignore"],
  });
  owner.teardown(() => {
    child.kill("SIGKILL");
  });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  await within("the end", once(child, "close"), 30_000);
  return text;
}

t.test("it is started as this process was, and takes over", async (t) => {
  const said = await outcome(t, `
    old.send({ type: "ready", listeners: [process.argv[2], String(facts.pid === process.ppid)] });
    await old.receive();
    old.send({ type: "taken" });`);
  t.equal(said, 'serves ["argument","true"]');
});

const TELL_FOLDER = `
    old.send({ type: "ready", listeners: [process.cwd()] });
    await old.receive();
    old.send({ type: "taken" });`;

for (const [how, hasPwd, isCalledByIt] of [
  ["by $PWD", true, false],
  ["without $PWD by the path of its program, as under systemd", false, true],
] as const) {
  t.test(`it starts in what a link names now, if this process was started in it: ${how}`,
    async (t) => {
      const folder = ownFolder(t);
      const [current, program] = [join(folder, "current"), join(folder, "program")];
      for (const name of ["v1", "v2", "program"]) mkdirSync(join(folder, name));
      symlinkSync("v1", current);
      const before = `
  const { copyFileSync, rmSync, symlinkSync } = await import("node:fs");
  const current = ${JSON.stringify(current)};
  copyFileSync(process.argv[1], ${JSON.stringify(join(folder, "v2", "both.mjs"))});
  rmSync(current);
  symlinkSync("v2", current);`;
      const said = await outcome(t, TELL_FOLDER, {
        before, cwd: current, env: { PWD: hasPwd ? current : undefined },
        folder: isCalledByIt ? current : program,
      });
      t.equal(said, `serves ["${realpathSync(folder)}/v2"]`);
    });
}

t.test("a $PWD that leads elsewhere is not believed", async (t) => {
  const folder = ownFolder(t);
  const start = { cwd: folder, env: { PWD: ownFolder(t) } };
  t.equal(await outcome(t, TELL_FOLDER, start), `serves ["${realpathSync(folder)}"]`);
});

t.test("each way to fail is told, with what it said last", async (t) => {
  const failures: [string, RegExp][] = [
    ['process.stderr.write("too bad\\n"); process.exit(3);', /the code 3\ntoo bad$/],
    ['process.kill(process.pid, "SIGKILL"); await new Promise(() => {});', /SIGKILL ended it/],
    ['old.send({ type: "failed", message: "no app" }); old.close();', /no app/],
    ['old.send({ type: "taken" });', /it said something else/],
    ['old.send({ type: "ready", listeners: [] }); await old.receive(); process.exit(9);', /code 9/],
    [`old.send({ type: "ready", listeners: [] }); await old.receive();
      old.send({ type: "failed", message: "disk full" });`, /could not take the paths/],
  ];
  for (const [young, message] of failures) {
    const said = await outcome(t, young);
    t.match(said, /^ERR_MILLRACE_UPGRADE: The new process \(\d+\) does not serve: /);
    t.match(said, message);
  }
});

t.test("its end is not that of a process it leaves behind, which holds its stderr", async (t) => {
  const ends: [string, RegExp][] = [
    ['process.stderr.write(text, () => process.exit(3))', /the code 3\nleft \d+$/],
    // It ends as it is killed.
    ['old.send({ type: "failed", message: text })', /does not serve: left \d+$/],
  ];
  for (const [end, message] of ends) {
    const said = await outcome(t, `
    const { spawn } = await import("node:child_process");
    const left = spawn("sleep", ["60"], { detached: true, stdio: ["ignore", "ignore", "inherit"] });
    left.unref();
    const text = "left " + left.pid;
    ${end};
    await new Promise(() => {});`);
    process.kill(Number(/\d+$/.exec(said)?.[0]), "SIGKILL");
    t.match(said, message);
  }
});

t.test("of a flood on stderr the last lines are told", async (t) => {
  const said = await outcome(t, `
    for (let i = 0; i < 4999; i++) process.stderr.write("line " + i + "\\n");
    process.stderr.write("line 4999\\n", () => process.exit(1));
    await new Promise(() => {});`);
  t.match(said, /line 4999$/);
  t.ok(said.length < 5000);
  t.ok(said.split("\n").length <= 21);
});
