/** Test of the example of streams in the style of callbacks, run by the command. */
import t from "tap";
import { Command } from "../support/command.ts";
import { repositoryFile } from "../support/environment.ts";

t.test("called by the server, and by the application", async (t) => {
  const command = new Command(t, [
    repositoryFile("examples/stream.mjs"), "--port", "0", "--workers", "1",
  ]);
  const url = await command.url();
  const countdown = await fetch(url);
  t.equal(countdown.headers.get("content-type"), "text/plain");
  t.equal(await countdown.text(), "5\n4\n3\n2\n1\nlift-off\n");
  const clock = await fetch(`${url}/clock`);
  t.equal(await clock.text(), "tick 1\ntick 2\ntick 3\ntick 4\ntick 5\n");
});
