/** Test of the example of server-sent events, run by the command. */
import t from "tap";
import { Command } from "../support/command.ts";
import { repositoryFile } from "../support/environment.ts";

t.test("events come one by one, each as it is made", async (t) => {
  const args = [repositoryFile("examples/sse.mjs"), "--port", "0", "--workers", "1"];
  const command = new Command(t, args, { env: { PERIOD_MS: "50" } });
  const url = await command.url();
  const page = await fetch(url);
  t.equal(page.headers.get("content-type"), "text/html; charset=utf-8");
  t.match(await page.text(), /new EventSource\("\/events"\)/);

  const abort = new AbortController();
  const answer = await fetch(`${url}/events`, { signal: abort.signal });
  t.equal(answer.headers.get("content-type"), "text/event-stream");
  let text = "";
  let reads = 0;
  const decoder = new TextDecoder();
  for await (const chunk of answer.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    if (++reads >= 3) break;
  }
  t.match(text, /^id: 1\nevent: time\ndata: \d{4}-.*Z\n\nid: 2\n/);
  abort.abort();

  command.child.kill("SIGTERM");
  t.equal((await command.ended()).code, 0);
});
