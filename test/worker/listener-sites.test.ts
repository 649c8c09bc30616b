/** Tests of what a worker knows of listeners, while they come and go. */
import t from "tap";
import { loadNative } from "../../src/native.ts";
import type { ListenerSettings } from "../../src/shared/listener-settings.ts";
import type { ListenerFacts } from "../../src/shared/messages.ts";
import { ListenerSites } from "../../src/worker/listener-sites.ts";
import { makeLog } from "../../src/worker/log.ts";
import { toParts } from "../../src/worker/response.ts";
import { DEFAULT_SETTINGS } from "../support/default-settings.ts";

const host = {
  log: makeLog({ logLevel: "silent", logDestination: "stdout" }, {}).log,
  requestIdOf: () => "",
  connectionOf: () => ({ remote: { address: "", family: "unix" } as const }),
};

function facts(id: string, settings: Partial<ListenerSettings> = {}): ListenerFacts {
  return { id, name: id, data: null, isTls: false, settings: { ...DEFAULT_SETTINGS, ...settings } };
}

t.test("a site that was replaced stays what it was for those who hold it", async (t) => {
  const first = facts("a", { requestIdHeader: "X-Id" });
  const sites = new ListenerSites(loadNative(), host, [first, null]);
  const before = sites.at(0);
  t.match(before, { view: { id: "a" }, requestIdHeader: "x-id", scheme: "http:" });
  sites.set(0, null);
  t.equal(sites.at(0), before, "what is under way may still ask");
  t.strictSame(sites.facts, [null, null]);
  sites.set(0, facts("b"));
  t.equal(before.view.id, "a");
  t.equal(sites.at(0).view.id, "b");
});

t.test("a request cannot change the data of its listener for the next one", async (t) => {
  const tags = new Map([["a", 1]]);
  const given = {
    user: { names: ["a", { first: "b" }] }, bytes: new Uint8Array(2), tags, none: undefined,
    self: null as unknown, pattern: /a/g,
  };
  given.self = given;
  const sites = new ListenerSites(loadNative(), host, [
    { ...facts("a"), data: given }, { ...facts("b"), data: "text" },
  ]);
  const { view } = sites.at(0);
  const data = view.data as typeof given;
  t.strictSame(data.user, given.user);
  const changes = [
    () => (data.user = given.user),
    () => data.user.names.push("c"),
    () => ((data.user.names[1] as { first: string }).first = "c"),
    () => ((data.self as typeof given).bytes = data.bytes),
    () => ((view as { data: unknown }).data = 1),
  ];
  for (const change of changes) t.throws(change, TypeError);
  data.bytes[0] = 1;
  t.ok(data.pattern.test("a"));
  t.equal(sites.at(1).view.data, "text");
  given.user.names.push("d");
  t.equal(given.bytes[0], 0, "what was given is another one");
});

t.test("what all have in common follows those that there are", async (t) => {
  const answer = toParts(new Response("x".repeat(4096), { headers: { "x-own": "1" } }))!;
  const sites = new ListenerSites(loadNative(), host, [facts("a")]);
  t.ok(sites.isUniform(answer));
  t.equal(sites.plainTextMax, Infinity);
  sites.set(3, facts("b", { headers: { "X-Own": "2" } }));
  t.notOk(sites.isUniform(answer), "one has a default of that name");
  sites.set(3, null);
  t.ok(sites.isUniform(answer));
});

t.test("an answer passes what its listener has, and nothing where it has nothing", async (t) => {
  const listeners = [facts("a"), facts("b", { compression: true }), facts("c", { debug: true })];
  const sites = new ListenerSites(loadNative(), host, listeners);
  t.equal(sites.at(0).filter, null);
  t.equal(sites.at(1).filter, sites.at(1).compression);
  t.equal(sites.at(1).debug, null);
  t.equal(sites.at(2).filter, sites.at(2).debug);
  t.not(sites.at(2).debug, null);
});
