/** Tests of what each verb of `millrace ctl` asks of the server. */
import t from "tap";
import { type Asked, VERBS } from "../../src/cli/ctl-verbs.ts";
import { plain } from "../../src/cli/ctl-tables.ts";
import { RESOURCES } from "../../src/primary/control-resources.ts";

const asked: Asked = { argument: "/run/a b", force: true, deadlineMs: 5 };

t.test("every verb asks for a resource that there is", async (t) => {
  const names = new Set(RESOURCES.map(({ name }) => name));
  for (const [word, verb] of Object.entries(VERBS)) {
    const name = verb.name(asked).replace("%2Frun%2Fa%20b", ":id").replace(/\?.*/, "");
    t.ok(names.has(name), `${word}: ${name}`);
  }
});

t.test("flags become the members of the body, and only those that were given", async (t) => {
  t.strictSame(VERBS["stop"]!.body?.(asked), { force: true, deadlineMs: 5 });
  const none: Asked = { argument: "x", force: false, deadlineMs: undefined };
  t.strictSame(VERBS["drain"]!.body?.(none), {});
});

t.test("a listener is described as on the command line, workers are a number", async (t) => {
  const argument = "id=web,bind=127.0.0.1:81,idleTimeoutMs=5";
  t.match(VERBS["add"]!.body?.({ ...asked, argument }), { id: "web", idleTimeoutMs: 5 });
  t.strictSame(VERBS["scale"]!.body?.({ ...asked, argument: "3" }), { workers: 3 });
});

t.test("a stop tells what it had to cut", async (t) => {
  const show = (value: object): string => VERBS["stop"]!.show(value, asked, plain);
  t.equal(show({ graceful: true, destroyed: 0 }), "/run/a b has stopped\n");
  t.match(show({ graceful: false, destroyed: 3 }), /were cut: 3\n$/);
});
