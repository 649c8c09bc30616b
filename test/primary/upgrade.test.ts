/** Tests of what an upgrade refuses; test/lifecycle/upgrade.test.ts has those that happen. */
import t from "tap";
import { type Replaced, Upgrade } from "../../src/primary/upgrade.ts";

function replaced(facts: Partial<Replaced>): Replaced {
  const never = (): never => {
    throw new Error("nothing must be started");
  };
  return {
    pid: 2, control: "/c", timeoutMs: 1000, isWatched: never, isClosing: () => false,
    sockets: never, running: never, restore: never, handOver: never, ...facts,
  };
}

t.test("process 1 and a server that closes are not replaced", async (t) => {
  const code = "ERR_MILLRACE_UPGRADE";
  await t.rejects(new Upgrade(replaced({ pid: 1 })).run(), { code, message: /has the number 1/ });
  const closing = new Upgrade(replaced({ isClosing: () => true }));
  await t.rejects(closing.run(), { code, message: /ending already/ });
});

t.test("what fails before anything is started can be tried again", async (t) => {
  const upgrade = new Upgrade(replaced({}));
  await t.rejects(upgrade.run(), { message: "nothing must be started" });
  await t.rejects(upgrade.run(), { message: "nothing must be started" });
});
