// The tests of json-api.mjs, without a server and a port: `createFetch` calls the app through its
// own routes.
//
//   node --test examples/json-api-test.mjs

import assert from "node:assert/strict";
import { test } from "node:test";
import { createFetch } from "millrace/create-fetch";

await test("notes", async (t) => {
  const fetchApp = await createFetch(new URL("./json-api.mjs", import.meta.url));
  t.after(() => fetchApp.close());
  const put = (path, body) => fetchApp(path, { method: "PUT", body });

  await t.test("can be written and read", async () => {
    const written = await put("/notes/7", JSON.stringify({ text: "grind" }));
    assert.equal(written.status, 201);
    const read = await fetchApp("/notes/7");
    assert.deepEqual(await read.json(), { text: "grind" });
  });

  await t.test("are JSON with a text", async () => {
    assert.equal((await put("/notes/8", "no JSON")).status, 400);
    assert.equal((await put("/notes/8", "{}")).status, 422);
    assert.equal((await fetchApp("/notes/8")).status, 404);
  });

  await t.test("are not posted to", async () => {
    const answer = await fetchApp("/notes/7", { method: "POST" });
    assert.equal(answer.status, 405);
    assert.match(answer.headers.get("allow"), /PUT/);
  });
});
