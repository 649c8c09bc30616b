/** Tests of `millrace upgrade` as a process. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { askControl } from "../support/ask-control.ts";
import { Command, runCommand } from "../support/command.ts";
import { until } from "../support/deadline.ts";
import { ownFolder } from "../support/folder.ts";

t.test("a server is replaced; one that fails is told with its last lines", async (t) => {
  const folder = ownFolder(t);
  const [app, control] = [join(folder, "app.mjs"), join(folder, "c")];
  writeFileSync(app, 'export default () => new Response("hello");');
  const args = [app, "--port", "0", "--workers", "1", "--control", control];
  const server = new Command(t, args, { cwd: folder });
  const url = await server.url();
  const upgraded = await runCommand(t, ["upgrade", "--control", control]);
  t.match(upgraded, { code: 0, stderr: "" });
  t.match(upgraded.stdout, /^process \d+ serves, the old one drains\n$/);
  const pid = Number(/\d+/.exec(upgraded.stdout)?.[0]);
  t.teardown(() => void process.kill(pid, "SIGKILL"));
  await until("the old one's end", () => server.child.exitCode === 0);
  t.equal((await askControl(control, "GET /status")).value.pid, pid);
  writeFileSync(app, 'throw new Error("no luck\\ntoday");');
  const failed = await runCommand(t, ["upgrade", "--control", control]);
  t.match(failed, { code: 1, stdout: "" });
  t.match(failed.stderr, /^millrace: The new process \(\d+\) [^]*no luck/);
  t.equal(await (await fetch(url)).text(), "hello");
});

t.test("without a server the code is 3, wrong arguments are 1, the help is 0", async (t) => {
  const control = join(ownFolder(t), "none");
  t.match(await runCommand(t, ["upgrade", "--control", control]), { code: 3 });
  t.match(await runCommand(t, ["upgrade"]), { code: 1, stderr: /--control is missing/ });
  t.match(await runCommand(t, ["upgrade", "--control", control, "now"]), { code: 1 });
  t.match(await runCommand(t, ["upgrade", "--control", control, "--force"]), { code: 1 });
  t.match(await runCommand(t, ["upgrade", "--help"]), { code: 0, stdout: /^Usage: millrace upgr/ });
});
