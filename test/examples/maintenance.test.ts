/** Test of the example whose routes change while it runs, by the command with two workers. */
import t from "tap";
import { Command } from "../support/command.ts";
import { repositoryFile } from "../support/environment.ts";

t.test("the gate is put in front of the items and taken away, in every worker", async (t) => {
  const example = repositoryFile("examples/maintenance.mjs");
  const command = new Command(t, [example, "--port", "0", "--workers", "2"]);
  const url = await command.url();
  // A connection of its own for each request, so that both workers are asked.
  const ask = async (path: string, method = "GET"): Promise<number> => {
    const answer = await fetch(url + path, { method, headers: { connection: "close" } });
    await answer.arrayBuffer();
    return answer.status;
  };
  const items = async (): Promise<number[]> => {
    const statuses = await Promise.all(Array.from({ length: 6 }, () => ask("/items")));
    return [...new Set(statuses)];
  };
  t.strictSame(await items(), [200]);
  for (let round = 0; round < 2; round++) {
    t.equal(await ask("/maintenance", "PUT"), 204);
    t.strictSame(await items(), [503]);
    t.equal(await ask("/maintenance", "PUT"), 409);
    const rows = (await (await fetch(`${url}/routes`)).json()) as { id: string }[];
    t.strictSame(rows.map(({ id }) => id), ["gate", "route-1", "route-2", "route-3"]);
    t.equal(await ask("/maintenance", "DELETE"), 204);
    t.strictSame(await items(), [200]);
    t.equal(await ask("/maintenance", "DELETE"), 409);
  }
});
