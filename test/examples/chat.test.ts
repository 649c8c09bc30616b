/** The chat in a real browser: two tabs whose connections are on two workers, and two servers. */
import type { Page } from "playwright-core";
import t from "tap";
import { openPage, skipBrowserless } from "../support/browser.ts";
import { Command } from "../support/command.ts";
import { until } from "../support/deadline.ts";
import { repositoryFile } from "../support/environment.ts";
import { skipRedisless, TestRedis } from "../support/redis.ts";

const ARGS = [repositoryFile("examples/chat/app.mjs"), "--port", "0"];

const lines = async (page: Page): Promise<string[]> => await page.locator("li").allTextContents();

/** The worker that has the tab's WebSocket, as the tab's first line says. */
async function workerOf(page: Page, name: string): Promise<string | null> {
  const own = page.locator("li", { hasText: `${name}: has come` }).first();
  await own.waitFor({ state: "attached" });
  return await own.getAttribute("data-worker");
}

async function say(page: Page, text: string): Promise<void> {
  await page.locator("input").fill(text);
  await page.locator("input").press("Enter");
}

t.test("two tabs on two workers hear each other", skipBrowserless, async (t) => {
  const command = new Command(t, [...ARGS, "--workers", "2"]);
  const url = await command.url();
  const ada = await openPage(t);
  await ada.goto(`${url}/?name=ada`);
  const bob = await ada.context().newPage();
  await bob.goto(`${url}/?name=bob`);
  const worker = await workerOf(ada, "ada");
  // Pages and pictures have connections too, which the balancer counts: it may take some.
  await until("a tab on the other worker", async () => {
    if (await workerOf(bob, "bob") !== worker) return true;
    await bob.reload();
    return false;
  });

  const before = (await lines(bob)).length;
  for (let i = 0; i < 5; i++) {
    await say(ada, `question ${i}`);
    await until("the question", async () => (await lines(bob)).at(-1) === `ada: question ${i}`);
    await say(bob, `answer ${i} <b>ä😀</b>`);
    await until("the answer", async () => (
      (await lines(ada)).at(-1) === `bob: answer ${i} <b>ä😀</b>`
    ));
  }
  const heard = (await lines(bob)).slice(before);
  t.equal(heard.length, 10, "each once");
  t.strictSame((await lines(ada)).slice(-10), heard, "all in one order");

  await bob.close();
  await until("the farewell", async () => (await lines(ada)).at(-1) === "bob: has gone");
  command.child.kill("SIGTERM");
  t.equal((await command.ended()).code, 0);
});

t.test("with Redis two servers are one chat", {
  skip: skipBrowserless.skip || skipRedisless.skip,
}, async (t) => {
  const redis = new TestRedis(t);
  await redis.start();
  const env = { REDIS_URL: redis.path };
  const [one, two] = [new Command(t, ARGS, { env }), new Command(t, ARGS, { env })];
  const ada = await openPage(t);
  await ada.goto(`${await one.url()}/?name=ada`);
  const bob = await ada.context().newPage();
  await bob.goto(`${await two.url()}/?name=bob`);
  await Promise.all([workerOf(ada, "ada"), workerOf(bob, "bob")]);
  const subscribed = async (): Promise<boolean> =>
    (await redis.ask("PUBSUB", "NUMSUB", "millrace:chat")).endsWith(":2\r\n");
  await until("both servers' subscriptions", subscribed);
  await say(ada, "hello");
  await until("it", async () => (await lines(bob)).at(-1) === "ada: hello");
  await redis.kill();
  await redis.start();
  await until("their return", subscribed);
  await say(bob, "back again");
  await until("it", async () => (await lines(ada)).at(-1) === "bob: back again");
  t.equal((await lines(bob)).filter((line) => line === "bob: back again").length, 1);
});
