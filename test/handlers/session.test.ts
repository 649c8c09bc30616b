/** Tests of a session between requests that race: against one store, without a server. */
import t from "tap";
import { Session, type SessionRules } from "../../src/handlers/session.ts";
import { memorySessions, type SessionTable } from "../../src/handlers/session-store.ts";
import { Records } from "../../src/primary/records.ts";
import type { RecordCall, ServerControl } from "../../src/shared/app.ts";
import { RequestCookies } from "../../src/worker/cookie-map.ts";

const RULES: SessionRules = {
  cookieName: "s", cookie: {}, idleMs: 1000, lifetimeMs: 5000, dataBytesMax: 200,
};

interface Browser {
  cookie: string | null;
  readonly table: SessionTable;
  request(): Promise<Session>;
  /** Keeps the cookie that was set last. */
  readonly cookies: RequestCookies[];
}

function browser(table: SessionTable, cookie: string | null = null): Browser {
  const cookies: RequestCookies[] = [];
  return {
    table, cookies, cookie,
    async request() {
      for (const each of cookies.splice(0)) this.cookie = each.get("s");
      const text = this.cookie === null ? null : `s=${this.cookie}`;
      cookies.push(new RequestCookies(text));
      return await Session.open(table, RULES, cookies.at(-1)!);
    },
  };
}

function store(sessionsMax = 100, clock: () => number = () => 0): SessionTable {
  const records = new Records(clock);
  const server = { records: async (call: RecordCall) => records.call(call) };
  return memorySessions({ sessionsMax }).open(server as unknown as ServerControl);
}

t.test("nothing is kept, and no cookie set, before something is", async (t) => {
  const one = browser(store());
  const session = await one.request();
  t.equal(session.isNew, true);
  await session.save();
  t.strictSame(one.cookies[0]!.toSetCookieHeaders(), []);
  session.set("a", 1);
  t.equal(session.get("a"), 1);
  await session.save();
  t.equal(session.isNew, false);
  t.match(one.cookies[0]!.toSetCookieHeaders()[0],
    /^s=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
  const second = await one.request();
  t.equal(second.get("a"), 1);
  second.delete("a");
  second.set("__proto__", "own");
  await second.save();
  t.strictSame(one.cookies[0]!.toSetCookieHeaders(), [], "the id stays");
  const third = await one.request();
  t.strictSame([third.get("a"), third.get("__proto__")], [undefined, "own"]);
});

t.test("an id that a client has chosen opens nothing, and is never taken over", async (t) => {
  const table = store();
  for (const id of ["x", "A".repeat(43), "../../etc", "A".repeat(44), ""]) {
    const one = browser(table, id);
    const session = await one.request();
    t.equal(session.isNew, true, id);
    await session.login("miller", { name: "miller" });
    t.not(one.cookies[0]!.get("s"), id);
  }
});

t.test("a login ends the id before it: what was planted is worth nothing", async (t) => {
  const table = store();
  const attacker = browser(table);
  const first = await attacker.request();
  first.set("cart", ["flour"]);
  await first.save();
  await attacker.request();
  const victim = browser(table, attacker.cookie);
  const session = await victim.request();
  await session.login("miller", { name: "miller" });
  t.strictSame([session.user, session.get("cart")], [{ name: "miller" }, ["flour"]]);
  t.equal((await attacker.request()).user, null);
  t.equal((await attacker.request()).isNew, true);
  t.strictSame((await victim.request()).user, { name: "miller" });
  t.not(victim.cookie, attacker.cookie);
});

t.test("a request that was under way when a session ended brings nothing back", async (t) => {
  const table = store();
  const one = browser(table);
  await (await one.request()).login("miller", "m");
  const slow = await one.request();
  const slowCookies = one.cookies[0]!;
  slow.set("a", 1);
  const ending = await browser(table, one.cookie).request();
  await ending.logout();
  await slow.save();
  t.equal(slow.user, null);
  t.strictSame(slowCookies.toSetCookieHeaders(), []);
  t.equal((await browser(table, one.cookie).request()).user, null);
});

t.test("requests at once each keep what they set", async (t) => {
  const table = store();
  const one = browser(table);
  const first = await one.request();
  first.set("n", 0);
  await first.save();
  await one.request();
  const ten = await Promise.all(Array.from({ length: 10 }, () => (
    browser(table, one.cookie).request()
  )));
  await Promise.all(ten.map(async (session, at) => {
    session.set(`k${at}`, at);
    await session.save();
  }));
  const after = await browser(table, one.cookie).request();
  t.strictSame(ten.map((_, at) => after.get(`k${at}`)), ten.map((_, at) => at));
  t.equal(after.get("n"), 0);
});

t.test("another user's login does not take over what the first one's session held", async (t) => {
  const one = browser(store());
  const visit = await one.request();
  visit.set("cart", 1);
  await visit.login("ann", { name: "ann" });
  t.equal((await one.request()).get("cart"), 1, "a visitor's is kept");
  const session = await one.request();
  session.set("isTrusted", true);
  await session.save();
  const again = await one.request();
  await again.login("ann", { name: "ann" });
  t.equal((await one.request()).get("isTrusted"), true, "the same user's, too");
  const other = await one.request();
  await other.login("bob", { name: "bob" });
  const last = await one.request();
  t.strictSame([last.get("isTrusted"), last.get("cart")], [undefined, undefined]);
  t.equal(last.get("constructor"), undefined, "nor what every object has");
});

t.test("a user's other sessions end at once", async (t) => {
  const table = store();
  const browsers = [browser(table), browser(table), browser(table)];
  for (const each of browsers) await (await each.request()).login("miller", "m");
  const here = await browsers[0]!.request();
  t.equal(await here.logoutOthers(), 2);
  const users = await Promise.all(browsers.map(async (each) => (await each.request()).user));
  t.strictSame(users, ["m", null, null]);
  t.equal(await (await browser(table).request()).logoutOthers(), 0);
});

t.test("sliding expiry has an end, and what is too much is refused", async (t) => {
  let now = 0;
  const one = browser(store(2, () => now));
  await (await one.request()).login("miller", "m");
  for (let i = 0; i < 5; i++) {
    t.equal((await one.request()).user, "m", `at ${now}`);
    now += 999;
  }
  now = 5000;
  t.equal((await one.request()).user, null, "after its lifetime");
  const big = await one.request();
  big.set("a", "x".repeat(200));
  await t.rejects(big.save(), RangeError);
  const wide = await one.request();
  wide.set("a", "日".repeat(100));
  await t.rejects(wide.save(), { message: /holds 329 bytes, more than 200/ }, "bytes are counted");
  await t.rejects(big.login("", "m"), TypeError);
});

t.test("visitors fill the store with visitors, never put out who has logged in", async (t) => {
  const table = store(3);
  const known = browser(table);
  await (await known.request()).login("miller", "m");
  for (let i = 0; i < 1000; i++) {
    const visitor = await browser(table).request();
    visitor.set("a", i);
    await visitor.save();
  }
  t.equal((await known.request()).user, "m");
  for (const user of ["cook", "baker"]) await (await browser(table).request()).login(user, user);
  const visitor = await browser(table).request();
  visitor.set("a", 1);
  await t.rejects(visitor.save(), { message: "there is no place for another session" });
  t.equal((await known.request()).user, "m");
});
