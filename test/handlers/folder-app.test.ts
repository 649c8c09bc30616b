/** Tests of the app of a folder, which is what a folder as `app` serves. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { ownFolder } from "../support/folder.ts";
import { startServer } from "../support/server.ts";

t.test("a folder is an app", async (t) => {
  const folder = join(ownFolder(t), "a folder & more?");
  mkdirSync(folder);
  writeFileSync(join(folder, "index.html"), "hello");
  const { url, server } = await startServer(t, { app: folder });
  t.equal(await (await fetch(url)).text(), "hello");
  t.equal((await fetch(`${url}/none`)).status, 404);
  await server.reload();
  t.equal(await (await fetch(url)).text(), "hello");
});
