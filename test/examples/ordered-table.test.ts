/** Test of the example of an ordered table, run by the command. */
import t from "tap";
import { Command } from "../support/command.ts";
import { repositoryFile } from "../support/environment.ts";
import { connectRaw } from "../support/raw-client.ts";

t.test("conditions, the gate, the rewrite and the counter", async (t) => {
  const example = repositoryFile("examples/ordered-table.mjs");
  const command = new Command(t, [example, "--port", "0", "--workers", "1"]);
  const url = await command.url();
  const ask = async (path: string, init?: RequestInit): Promise<[number, string]> => {
    const answer = await fetch(url + path, init);
    return [answer.status, await answer.text()];
  };
  const post = (type: string, body: string): RequestInit =>
    ({ method: "POST", body, headers: { "content-type": type } });

  t.strictSame(await ask("/v1/orders/7"), [200, '{"item":"bread","count":1}']);
  t.strictSame(await ask("/v2/orders/9"), [404, "nothing here\n"]);
  const milk = '{"id":"8","item":"milk","count":2}';
  t.strictSame(await ask("/v1/orders", post("text/csv", "milk,2\n")), [201, milk]);
  const oats = post("application/json", '{"item":"oats","count":1}');
  t.strictSame(await ask("/v2/orders", oats), [201, '{"id":"9","item":"oats","count":1}']);
  t.equal((await ask("/v2/orders", post("text/html", "x")))[0], 404);

  const client = await connectRaw({ host: "127.0.0.1", port: Number(new URL(url).port) });
  for (const count of [1, 2]) {
    const answer = await client.request("GET /count HTTP/1.1\r\nHost: a\r\n\r\n");
    t.equal(answer.body, `${count} of this connection`);
  }
  client.close();
  t.strictSame(await ask("/admin/log"), [403, "not for you\n"]);
  t.strictSame(await ask("/admin/log", { method: "DELETE" }), [403, "not for you\n"]);
  const known = { headers: { authorization: "Bearer let-me-in" } };
  const log = '["added 8","added 9","a connection asked 2 times"]';
  while ((await ask("/admin/log", known))[1] !== log) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  t.strictSame(await ask("/admin/log", known), [200, log]);
});
