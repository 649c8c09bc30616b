/** The examples in a real browser: pages, fetch, an upload, and server-sent events. */
import t from "tap";
import { openPage, skipBrowserless } from "../support/browser.ts";
import { Command } from "../support/command.ts";
import { repositoryFile } from "../support/environment.ts";

t.test("a browser loads pages and fetches", skipBrowserless, async (t) => {
  const page = await openPage(t);

  const hello = new Command(t, [repositoryFile("examples/hello.mjs"), "--port", "0"]);
  await page.goto(await hello.url());
  t.equal(await page.locator("body").textContent(), "Hello, World!");
  const texts = await page.evaluate(`Promise.all(Array.from({ length: 50 }, async () =>
    (await fetch("/")).text()))`);
  t.strictSame(texts, Array.from({ length: 50 }, () => "Hello, World!"));

  const upload = new Command(t, [repositoryFile("examples/upload-echo.mjs"), "--port", "0"]);
  await page.goto(`${await upload.url()}/`);
  const size = await page.evaluate(`(async () => {
    const body = new Uint8Array(3_000_000).fill(7);
    const echo = await fetch("/echo", { method: "POST", body });
    const bytes = new Uint8Array(await echo.arrayBuffer());
    return bytes.every((byte) => byte === 7) ? bytes.length : -1;
  })()`);
  t.equal(size, 3_000_000);

  const sse = new Command(t, [repositoryFile("examples/sse.mjs"), "--port", "0"], {
    env: { PERIOD_MS: "50" },
  });
  await page.goto(await sse.url());
  const time = page.locator("#time");
  await page.waitForFunction(`document.getElementById("time").textContent !== "..."`);
  const first = await time.textContent();
  await page.waitForFunction(`document.getElementById("time").textContent !== "${first}"`);
  t.match(await time.textContent(), /^\d{4}-\d{2}-\d{2}T/);
});
