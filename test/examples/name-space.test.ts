/** Test of the example of handler objects in a name space, run by the command. */
import t from "tap";
import { Command } from "../support/command.ts";
import { repositoryFile } from "../support/environment.ts";

t.test("notes come and go by their paths, and say what they are", async (t) => {
  const command = new Command(t, [
    repositoryFile("examples/name-space.mjs"), "--port", "0", "--workers", "1",
  ]);
  const url = new URL("/notes/", await command.url()).href;
  const first = await fetch(`${url}first`);
  t.equal(await first.text(), "grind at dawn\n");
  t.equal(first.headers.get("cache-control"), "private, max-age=60");
  t.match(first.headers.get("etag"), /^W\/"[0-9a-f]{16}"$/);
  t.match(first.headers.get("last-modified"), / GMT$/);
  t.equal(first.headers.get("content-language"), "en");

  t.equal((await fetch(`${url}a%20b`)).status, 404);
  const put = async (body: string): Promise<number> =>
    (await fetch(`${url}a%20b`, { method: "PUT", body })).status;
  t.equal(await put("one"), 201);
  t.equal(await put("two"), 204);
  const read = await fetch(`${url}a%20b?download`);
  t.equal(await read.text(), "two\n");
  t.equal(read.headers.get("content-disposition"), 'attachment; filename="a b.txt"');

  const posted = await fetch(`${url}first`, { method: "POST" });
  t.equal(posted.status, 405);
  t.equal(posted.headers.get("allow"), "GET, HEAD, PUT, DELETE");
  t.equal((await fetch(`${url}a%20b`, { method: "DELETE" })).status, 204);
  t.equal((await fetch(`${url}a%20b`, { method: "DELETE" })).status, 404);
  t.equal((await fetch(`${url}a%20b`)).status, 404);
});
