/** Test of the example of a protocol of its own, run by the command. */
import t from "tap";
import { Command } from "../support/command.ts";
import { repositoryFile } from "../support/environment.ts";
import { connectRaw } from "../support/raw-client.ts";
import type { RawClient } from "../support/raw-client.ts";
import { ask, switched } from "../support/upgrades.ts";

t.test("lines go to all others, and a stop says good-bye", async (t) => {
  const args = [repositoryFile("examples/line-chat.mjs"), "--port", "0", "--workers", "1"];
  const command = new Command(t, args);
  const { port } = new URL(await command.url());
  const join = async (): Promise<RawClient> => {
    const client = await connectRaw({ host: "127.0.0.1", port: Number(port) });
    t.teardown(() => client.close());
    client.write(ask("/chat", "", "line-chat"));
    await switched(client);
    return client;
  };
  const ada = await join();
  const [, id] = /^welcome, you are (\d+), with 0 others\n$/.exec(await ada.readUntil("\n"))!;
  const bob = await join();
  t.match(await bob.readUntil("\n"), /with 1 others/);
  ada.write("hello\nhow ");
  ada.write("are you?\n");
  t.equal(await bob.readUntil("?\n"), `${id}: hello\n${id}: how are you?\n`);
  const wrong = await connectRaw({ host: "127.0.0.1", port: Number(port) });
  t.teardown(() => wrong.close());
  wrong.write(ask("/chat", "", "websocket"));
  t.equal((await wrong.response()).status, 426);
  command.child.kill("SIGTERM");
  for (const client of [ada, bob]) {
    t.equal(await client.readToEnd(), "the server goes, good-bye\n");
    client.end();
  }
  t.equal((await command.ended()).code, 0);
});
