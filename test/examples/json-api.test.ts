/** Test of the example JSON API, run by the command. */
import t from "tap";
import { Command } from "../support/command.ts";
import { repositoryFile } from "../support/environment.ts";

t.test("notes can be listed, read, written and removed", async (t) => {
  const example = repositoryFile("examples/json-api.mjs");
  const command = new Command(t, [example, "--port", "0", "--workers", "1"]);
  const url = await command.url();
  const ask = async (path: string, init?: RequestInit): Promise<[number, unknown]> => {
    const answer = await fetch(url + path, init);
    const text = await answer.text();
    return [answer.status, text === "" ? undefined : JSON.parse(text)];
  };
  const put = (body: string): RequestInit => ({ method: "PUT", body });

  t.strictSame(await ask("/notes/1"), [200, { text: "bread" }]);
  t.strictSame(await ask("/notes/2"), [404, { error: "no note 2" }]);
  t.strictSame(await ask("/notes/2", put('{"text":"milk"}')), [201, { text: "milk" }]);
  t.strictSame(await ask("/notes/2", put('{"text":"oats"}')), [200, { text: "oats" }]);
  t.strictSame(await ask("/notes"), [200, { 1: { text: "bread" }, 2: { text: "oats" } }]);
  t.strictSame(await ask("/notes/2", put("{}")), [422, { error: "no text" }]);
  t.strictSame(await ask("/notes/2", put("{")), [400, { error: "the body is not JSON" }]);
  t.strictSame(await ask("/notes/2", { method: "DELETE" }), [204, undefined]);
  t.strictSame(await ask("/notes/2", { method: "DELETE" }), [404, { error: "no note 2" }]);
  t.strictSame(await ask("/elsewhere"), [404, { error: "not found" }]);

  const wrong = await fetch(`${url}/notes/1`, { method: "POST" });
  t.equal(wrong.status, 405);
  t.match(wrong.headers.get("allow"), /GET/);
  t.match(wrong.headers.get("allow"), /DELETE/);
  await wrong.text();
});
