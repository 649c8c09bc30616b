/** Tests of the command as a process: serving, signals, exit codes, and one line per failure. */
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import t from "tap";
import { Command, runCommand } from "../support/command.ts";
import { repositoryFile } from "../support/environment.ts";
import { ownFolder } from "../support/folder.ts";

const hello = repositoryFile("examples/hello.mjs");
const LOCAL = ["--port", "0", "--workers", "1"];

t.test("the app is served until SIGTERM, then the code is 0", async (t) => {
  const command = new Command(t, ["serve", hello, ...LOCAL]);
  const url = await command.url();
  t.equal(await (await fetch(url)).text(), "Hello, World!");
  command.child.kill("SIGTERM");
  const { code, stdout, stderr } = await command.ended();
  t.equal(code, 0);
  t.match(stdout, /^Millrace \d+\.\d+\.\d+ serves .*hello\.mjs with 1 worker\n {2}default {2}http/);
  t.match(stdout, /127\.0\.0\.1 answers only this machine; --host 0\.0\.0\.0 answers the network/);
  t.match(stderr, /^millrace: SIGTERM: draining/);
});

t.test("SIGINT drains too: a request in flight is answered", async (t) => {
  const folder = t.testdir({
    "app.mjs": `export default { fetch: () => new Promise((resolve) => {
      process.stdout.write("asked");
      setTimeout(() => resolve(new Response("late")), 500);
    }) };`,
  });
  const command = new Command(t, [join(folder, "app.mjs"), ...LOCAL]);
  const url = await command.url();
  const answer = fetch(url);
  await command.prints(/asked/);
  command.child.kill("SIGINT");
  t.equal(await (await answer).text(), "late");
  t.equal((await command.ended()).code, 0);
});

t.test("a second signal ends what does not finish", async (t) => {
  const folder = t.testdir({
    "app.mjs": "export default { fetch: () => new Promise(() => process.stdout.write('asked')) };",
  });
  const command = new Command(t, [join(folder, "app.mjs"), ...LOCAL]);
  const url = await command.url();
  const answer = t.rejects(fetch(url));
  await command.prints(/asked/);
  command.child.kill("SIGTERM");
  await command.prints(/draining/);
  command.child.kill("SIGTERM");
  t.equal((await command.ended()).code, 143);
  await answer;
});

t.test("the port may come from PORT, and the app's own is weaker", async (t) => {
  const folder = t.testdir({
    "app.mjs": 'export default { port: 1, hostname: "::1", fetch: () => new Response("x") };',
  });
  const command = new Command(t, [join(folder, "app.mjs"), "--workers", "1"], {
    env: { PORT: "0" },
  });
  t.match(await command.url(), /^http:\/\/\[::1\]:\d+$/);
});

t.test("listeners by flag", async (t) => {
  const path = join(ownFolder(t), "s");
  const command = new Command(t, [
    hello, "--workers", "1",
    "--listener", "id=web,bind=127.0.0.1:0", "--listener", `id=local,bind=${path}`,
  ]);
  const url = await command.url();
  t.equal(await (await fetch(url)).text(), "Hello, World!");
  await command.prints(/ {2}local {2}/);
});

t.test("a configuration file beside package.json is used", async (t) => {
  const folder = t.testdir({
    "package.json": "{}",
    "millrace.config.json": JSON.stringify({ app: "./app.mjs", port: 0, workers: 1 }),
    "app.mjs": 'export default () => new Response("from the file");',
    below: {},
  });
  const command = new Command(t, [], { cwd: join(folder, "below") });
  t.equal(await (await fetch(await command.url())).text(), "from the file");
});

t.test("--help, --version and --print-config print and end", async (t) => {
  const help = await runCommand(t, ["--help"]);
  t.match(help, { code: 0, stdout: /^Usage: millrace/, stderr: "" });
  t.match(await runCommand(t, ["--version"]), { code: 0, stdout: /^\d+\.\d+\.\d+\n$/ });
  const config = await runCommand(t, [hello, "--print-config"], { env: { PORT: "81" } });
  t.match(config, { code: 0, stdout: /listener default +127\.0\.0\.1:81 +PORT/ });
});

t.test("a failure to start is one line on stderr and the code 1", async (t) => {
  const blocker = createServer().listen(0, "127.0.0.1");
  t.teardown(() => {
    blocker.close();
  });
  await new Promise((resolve) => blocker.once("listening", resolve));
  const { port } = blocker.address() as AddressInfo;
  const folder = t.testdir({
    "throws.mjs": 'throw new Error("no luck today");',
    "empty.mjs": "export default {};",
    "syntax.mjs": "export default {",
    "init.mjs": 'export default { fetch() {}, init() { throw new Error("no luck") } };',
    "bad.json": '{ "wrokers": 1 }',
  });
  const at = (name: string): string => join(folder, name);
  const failures: [string[], RegExp][] = [
    [[hello, "--port", String(port), "--workers", "1"], /in use.*choose another with --port/],
    [[at("missing.mjs")], /app not found: .*missing\.mjs \(no such file\)/],
    [[], /app is missing/],
    [[at("throws.mjs"), ...LOCAL], /no luck today/],
    [[at("syntax.mjs"), ...LOCAL], /Unexpected/],
    [[at("empty.mjs"), ...LOCAL], /ERR_MILLRACE_APP_SHAPE/],
    [[at("init.mjs"), ...LOCAL], /no luck.*ERR_MILLRACE_INIT_FAILED/],
    [[hello, "--prot", "1"], /unknown flag --prot, did you mean --port\?/],
    [[hello, "--port", "x"], /--port must be an integer/],
    [[hello, "--config", at("bad.json")], /unknown option "wrokers" in .*did you mean workers/],
    [[hello, "--config", at("none.json")], /cannot read .*none\.json: no such file/],
  ];
  for (const [args, message] of failures) {
    const { code, stdout, stderr } = await runCommand(t, args);
    t.equal(code, 1, args.join(" "));
    t.equal(stdout, "");
    t.match(stderr, /^millrace: [^\n]+\n$/);
    t.match(stderr, message);
  }
});
