/** Test of the example of a login form, run by the command. */
import t from "tap";
import { Command } from "../support/command.ts";
import { repositoryFile } from "../support/environment.ts";

t.test("to the login, in, out, and not for ever", async (t) => {
  const command = new Command(t, [
    repositoryFile("examples/login-form.mjs"), "--port", "0", "--workers", "2",
  ]);
  const url = await command.url();
  const ask = (path: string, fields: Record<string, string> = {}, body?: string) => fetch(
    url + path,
    {
      redirect: "manual",
      headers: { accept: "text/html", ...fields },
      ...(body !== undefined && { method: "POST", body: new URLSearchParams(body) }),
    },
  );
  t.equal((await ask("/mill")).headers.get("location"), "/login?to=%2Fmill");
  t.match(await (await ask("/login?to=%2Fmill")).text(), 'value="/mill"');
  const inside = await ask("/login", {}, "user=miller&password=flour&to=/mill");
  t.strictSame([inside.status, inside.headers.get("location")], [303, "/mill"]);
  const cookie = inside.headers.getSetCookie()[0]!.split(";")[0]!;
  t.equal(await (await ask("/mill", { cookie })).text(), "Hello, miller!\n");
  t.equal((await ask("/logout", { cookie }, "")).status, 303);
  t.equal((await ask("/mill", { cookie })).status, 303);
  const statuses: number[] = [];
  for (let i = 0; i < 11; i++) {
    statuses.push((await ask("/login", {}, "user=miller&password=guess")).status);
  }
  t.strictSame(statuses.slice(0, 9), Array.from({ length: 9 }, () => 401));
  t.equal(statuses.at(-1), 429);
});
