/** Tests of the registry of topics: each subscriber once, and nothing of those that have gone. */
import t from "tap";
import { Subscriptions, type TopicHolder } from "../../src/worker/subscriptions.ts";

function open(): { subscriptions: Subscriptions<TopicHolder>; told: string[] } {
  const told: string[] = [];
  const subscriptions = new Subscriptions<TopicHolder>({
    first: (topic) => told.push(`first ${topic}`),
    last: (topic) => told.push(`last ${topic}`),
  });
  return { subscriptions, told };
}

const holder = (): TopicHolder => ({ topics: new Set() });

t.test("the first and the last subscriber are told of, nobody else", async (t) => {
  const { subscriptions, told } = open();
  const [one, two] = [holder(), holder()];
  subscriptions.add(one, "a");
  subscriptions.add(one, "a");
  subscriptions.add(two, "a");
  subscriptions.add(two, "");
  t.strictSame(told, ["first a", "first "]);
  t.strictSame([...subscriptions.of("a")!], [one, two]);
  t.strictSame([...two.topics], ["a", ""]);
  t.equal(subscriptions.count("a"), 2);
  subscriptions.remove(one, "a");
  subscriptions.remove(one, "a");
  subscriptions.remove(one, "never");
  t.strictSame(told, ["first a", "first "]);
  subscriptions.remove(two, "a");
  t.strictSame(told, ["first a", "first ", "last a"]);
  t.equal(subscriptions.count("a"), 0);
  t.equal(subscriptions.of("a"), undefined);
  t.strictSame([...subscriptions.topics], [""]);
});

t.test("who leaves is in no topic, and a topic without anybody is forgotten", async (t) => {
  const { subscriptions, told } = open();
  const [one, two] = [holder(), holder()];
  for (let i = 0; i < 100; i++) subscriptions.add(one, `t${i}`);
  subscriptions.add(two, "t0");
  subscriptions.leave(one);
  subscriptions.leave(one);
  t.equal(one.topics.size, 0);
  t.equal(told.filter((line) => line.startsWith("last")).length, 99);
  t.strictSame([...subscriptions.topics], ["t0"]);
  t.strictSame([...subscriptions.of("t0")!], [two]);
});

t.test("names of members of objects are topics like others", async (t) => {
  const { subscriptions } = open();
  const one = holder();
  for (const topic of ["__proto__", "constructor", "toString"]) {
    t.equal(subscriptions.count(topic), 0);
    subscriptions.add(one, topic);
    t.equal(subscriptions.count(topic), 1);
  }
});
