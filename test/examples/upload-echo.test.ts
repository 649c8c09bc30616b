/** Test of the example of uploads, run by the command. */
import { randomBytes } from "node:crypto";
import t from "tap";
import { Command } from "../support/command.ts";
import { repositoryFile } from "../support/environment.ts";

const BODY = randomBytes(5 * 1024 * 1024);

t.test("bodies are echoed and counted as streams, forms are taken apart", async (t) => {
  const example = repositoryFile("examples/upload-echo.mjs");
  const command = new Command(t, [example, "--port", "0", "--workers", "1"]);
  const url = await command.url();

  const headers = { "content-type": "image/png" };
  const echo = await fetch(`${url}/echo`, { method: "POST", body: BODY, headers });
  t.equal(echo.headers.get("content-type"), "image/png");
  t.ok(BODY.equals(new Uint8Array(await echo.arrayBuffer())), "the echo is the same bytes");

  const parts = new ReadableStream({
    start(controller) {
      for (let part = 0; part < 10; part++) controller.enqueue(BODY.subarray(0, 100_000));
      controller.close();
    },
  });
  const init: RequestInit & { duplex: "half" } = { method: "PUT", body: parts, duplex: "half" };
  const count = await fetch(`${url}/count`, init);
  t.strictSame(await count.json(), { bytes: 1_000_000 });

  const form = new FormData();
  form.set("word", "not a file");
  form.set("file", new File([BODY.subarray(0, 1000)], "photo.jpg", { type: "image/jpeg" }));
  const files = await fetch(`${url}/form`, { method: "POST", body: form });
  t.strictSame(await files.json(), [{ field: "file", name: "photo.jpg", bytes: 1000 }]);
});
