/** Tests of `millrace ctl` as a process, against a server that is one too. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { Test } from "tap";
import { Command, type Outcome, runCommand } from "../support/command.ts";
import { foreignEnv, repositoryFile } from "../support/environment.ts";
import { ownFolder } from "../support/folder.ts";

const hello = repositoryFile("examples/hello.mjs");

interface Served {
  readonly server: Command;
  readonly url: string;
  readonly socket: string;
  ctl(...args: string[]): Promise<Outcome>;
}

async function serve(t: Test): Promise<Served> {
  const socket = join(ownFolder(t), "c");
  const args = [hello, "--port", "0", "--workers", "1", "--control", socket];
  const server = new Command(t, args);
  const url = await server.url();
  return {
    server,
    url,
    socket,
    ctl: async (...args) => await runCommand(t, ["ctl", "--control", socket, ...args]),
  };
}

t.test("a server is asked, paused, started and drained", async (t) => {
  const { server, url, socket, ctl } = await serve(t);
  const status = await ctl("status");
  t.match(status, { code: 0, stderr: "" });
  t.match(status.stdout, new RegExp(`process ${server.child.pid}[^]*listening[^]*serving`));
  t.equal(JSON.parse((await ctl("status", "--json")).stdout).pid, server.child.pid);
  t.match(await ctl("pause", "default"), { code: 0, stdout: /default +paused/ });
  await t.rejects(fetch(url));
  t.match(await ctl("start", "default"), { code: 0, stdout: /default +listening/ });
  t.equal(await (await fetch(url)).text(), "Hello, World!");
  t.match(await ctl("drain", "--wait"), { code: 0 });
  t.notOk(existsSync(socket));
  t.equal((await server.ended()).code, 0);
});

t.test("exit codes: 1 for what is refused, 3 when nobody can be reached", async (t) => {
  const { ctl } = await serve(t);
  const refused = await ctl("pause", "nope");
  t.match(refused, { code: 1, stdout: "", stderr: /^millrace: No listener.*\n$/ });
  t.match(await ctl("frobnicate"), { code: 1, stderr: /^millrace: ctl cannot.*\n$/ });
  const nowhere = ["ctl", "--control", join(ownFolder(t), "none"), "status"];
  t.match(await runCommand(t, nowhere), { code: 3, stderr: /^millrace: there is no control.*\n$/ });
  t.match(await runCommand(t, ["ctl", "--help"]), { code: 0, stdout: /^Usage: millrace ctl/ });
});

t.test("the watch goes on until a signal ends it, with the code 0", async (t) => {
  const { socket } = await serve(t);
  const args = ["ctl", "--control", socket, "status", "--watch", "--interval-ms", "100"];
  const watch = new Command(t, args);
  await watch.prints(/Millrace [^]*Millrace [^]*Millrace /);
  watch.child.kill("SIGINT");
  t.match(await watch.ended(), { code: 0, stderr: "" });
});

const curl = spawnSync("curl", ["--version"], { env: foreignEnv() });
t.test("curl does too", { skip: curl.status !== 0 && "curl is not installed" }, async (t) => {
  const { socket } = await serve(t);
  const ask = (...args: string[]): string => spawnSync(
    "curl", ["-s", "--unix-socket", socket, ...args], { env: foreignEnv(), encoding: "utf8" },
  ).stdout;
  t.equal(JSON.parse(ask("http://localhost/status")).state, "serving");
  const told = ask("-d", '{ "deadlineMs": 5000 }', "http://localhost/listeners/default/stop");
  t.strictSame(JSON.parse(told), { graceful: true, destroyed: 0 });
});
