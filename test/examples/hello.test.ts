/** Test of the example hello, run by the command. */
import t from "tap";
import { Command } from "../support/command.ts";
import { repositoryFile } from "../support/environment.ts";

t.test("it greets on / and knows nothing else", async (t) => {
  const command = new Command(t, [repositoryFile("examples/hello.mjs"), "--port", "0"]);
  const url = await command.url();
  const answer = await fetch(`${url}/`);
  t.equal(answer.status, 200);
  t.equal(await answer.text(), "Hello, World!");
  t.equal((await fetch(`${url}/other`)).status, 404);
});
