/** Tests of the life of a server: in which order its steps come, and how often. */
import t from "tap";
import type { Native } from "../../src/native.ts";
import { Drain } from "../../src/primary/drain.ts";
import { type Living, ServerLife } from "../../src/primary/server-life.ts";

const CLOSED = { code: "ERR_MILLRACE_SERVER_CLOSED" };

/** A server that notes what is asked of it; `steps` are what its start waits for. */
function setup(steps: readonly Promise<unknown>[] = [], ended: Promise<void> = Promise.resolve()) {
  const notes: string[] = [];
  const server: Living = {
    async bringUp() {
      for (const step of steps) {
        await step;
        life.checkStart();
        notes.push("step");
      }
    },
    failed: (error) => void notes.push(`failed: ${String(error)}`),
    stopping: () => void notes.push("stopping"),
    async stopListeners(force) {
      notes.push(force ? "stop by force" : "stop");
    },
    async endWorkers() {
      notes.push("end");
      await ended;
    },
    async tearDown(started) {
      await started;
      notes.push("tear down");
    },
    emit: (event, detail) => void notes.push(
      detail instanceof Error ? `${event}: ${detail.message}` : event,
    ),
  };
  const native = { setReadiness: () => {} } as unknown as Native;
  const life = new ServerLife(server, new Drain(native, {} as never), {
    deadlineMs: 60_000, drainDelayMs: 0,
  });
  return { life, notes, server };
}

t.test("one close, however often it is asked for", async (t) => {
  const { life, notes } = setup([Promise.resolve()]);
  await life.start();
  life.checkServing();
  t.notOk(life.isEnding);
  void life.close();
  t.ok(life.isEnding);
  t.throws(() => life.checkServing(), CLOSED);
  await Promise.all([life.close(), life.drain(), life.closed]);
  t.same(notes, ["step", "stopping", "stop", "end", "tear down"]);
  t.ok(await life.isClosed(60_000));
});

t.test("force goes round workers that do not end", async (t) => {
  const { life, notes } = setup([], new Promise(() => {}));
  await life.start();
  void life.close();
  t.notOk(await life.isClosed(5));
  await life.close({ force: true });
  t.same(notes, ["stopping", "stop", "end", "stop by force", "tear down"]);
});

t.test("what fails of a close is told, and keeps the server from nothing", async (t) => {
  const { life, notes, server } = setup();
  for (const step of ["stopListeners", "endWorkers", "tearDown"] as const) {
    server[step] = async () => {
      throw new Error(`no ${step}`);
    };
  }
  await life.start();
  await life.close();
  t.same(notes, [
    "stopping", "error: no stopListeners", "error: no endWorkers", "error: no tearDown",
  ]);
});

t.test("a drain is told of once, and a close meanwhile goes on with it", async (t) => {
  const { life, notes } = setup();
  await life.start();
  const drains = [life.drain({ delayMs: 60_000 }), life.drain({ delayMs: 60_000 })];
  t.ok(life.isEnding);
  life.checkServing();
  void life.close();
  await Promise.all(drains);
  t.same(notes, [
    "stopping", "draining", "stopping", "stopping", "stop", "end", "tear down",
  ]);
});

t.test("a forced drain ends what goes on at once, whatever has begun it", async (t) => {
  for (const begin of ["close", "drain"] as const) {
    const { life, notes } = setup([], new Promise(() => {}));
    await life.start();
    void life[begin]();
    t.notOk(await life.isClosed(5));
    await life.drain({ force: true });
    t.same(notes.slice(-4), ["stop", "end", "stop by force", "tear down"], begin);
  }
});

t.test("a forced drain waits for its own delay, and cuts that of one before it", async (t) => {
  const { life, notes } = setup();
  await life.start();
  const first = life.drain({ delayMs: 60_000, force: true });
  t.notOk(await life.isClosed(5));
  await life.drain({ force: true });
  await first;
  t.same(notes.slice(0, 4), ["stopping", "draining", "stopping", "stop by force"]);
  t.equal(notes.at(-1), "tear down");
});

t.test("a start that is cut goes no further, and is taken apart when it has ended", async (t) => {
  let go!: () => void;
  const first = new Promise<void>((resolve) => (go = resolve));
  const { life, notes } = setup([first, Promise.resolve()]);
  const started = life.start();
  const waits = life.serving();
  const closed = life.close();
  await Promise.resolve();
  t.same(notes.splice(0), [], "not before");
  go();
  await t.rejects(started, { ...CLOSED, message: "The server was closed while it started" });
  await t.rejects(waits, CLOSED);
  await closed;
  t.match(notes, [/^failed: /, "tear down"]);
  await life.close({ force: true });
  t.equal(notes.length, 2, "nothing is left to force");
});

t.test("closed in the moment in which the last step is done, it does not serve", async (t) => {
  let done!: () => void;
  const last = new Promise<void>((resolve) => (done = resolve));
  const { life, notes } = setup([last]);
  const started = life.start();
  done();
  await last;
  const closed = life.close();
  await t.rejects(started, CLOSED);
  await closed;
  t.equal(notes.at(-1), "tear down");
});

t.test("who waits for a start that fails hears why", async (t) => {
  const { life, notes } = setup([Promise.reject(new Error("no port"))]);
  const started = life.start();
  await t.rejects(life.serving(), { message: "no port" });
  await t.rejects(started, { message: "no port" });
  t.same(notes, ["failed: Error: no port", "tear down"]);
  await life.closed;
});
