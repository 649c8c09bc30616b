/** Test of the example of files, and of a folder without an app, run by the command. */
import t from "tap";
import { Command } from "../support/command.ts";
import { repositoryFile } from "../support/environment.ts";

t.test("a folder, a range, and a file of its own", async (t) => {
  const command = new Command(t, [
    repositoryFile("examples/files.mjs"), "--port", "0", "--workers", "1",
  ]);
  const url = await command.url();
  const whole = await fetch(`${url}/examples/hello.mjs`);
  t.equal(whole.headers.get("cache-control"), "max-age=60");
  const text = await whole.text();
  const part = await fetch(`${url}/examples/hello.mjs`, { headers: { range: "bytes=0-9" } });
  t.equal(part.status, 206);
  t.equal(await part.text(), text.slice(0, 10));
  t.match(await (await fetch(`${url}/examples/`)).text(), /hello\.mjs/);
  t.match(await (await fetch(`${url}/source`)).text(), /A folder's files/);
});

t.test("a folder in the place of an app", async (t) => {
  const command = new Command(t, [
    "serve", repositoryFile("examples"), "--port", "0", "--workers", "1",
  ]);
  const url = await command.url();
  t.match(await (await fetch(`${url}/hello.mjs`)).text(), /export default/);
  t.equal((await fetch(`${url}/`)).status, 404);
});
