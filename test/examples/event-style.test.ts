/** Test of the example of handlers in the style of an event, run by the command. */
import t from "tap";
import { Command } from "../support/command.ts";
import { repositoryFile } from "../support/environment.ts";

t.test("properties in, properties out", async (t) => {
  const command = new Command(t, [
    repositoryFile("examples/event-style.mjs"), "--port", "0", "--workers", "1",
  ]);
  const url = await command.url();
  t.equal(await (await fetch(`${url}/?name=Moon`)).text(), "Hello, Moon!\n");
  const body = new URLSearchParams([["name", "World"], ["name", "Moon"]]);
  const posted = await fetch(url, { method: "POST", body });
  t.equal(await posted.text(), "Hello, World and Moon!\n");
  t.equal(posted.headers.get("content-type"), "text/plain; charset=utf-8");

  const redirected = await fetch(url, { redirect: "manual" });
  t.equal(redirected.status, 302);
  t.equal(redirected.headers.get("location"), "/?name=World");

  const refused = await fetch(`${url}/private`);
  t.equal(refused.status, 401);
  t.match(refused.headers.get("www-authenticate"), /^Basic realm="the mill"/);
  const headers = { authorization: `Basic ${btoa("miller:flour")}` };
  t.equal(await (await fetch(`${url}/private`, { headers })).text(), "the price of flour");
});
