/** Tests of the answer that an event's properties make, without a server. */
import t from "tap";
import { EventBag, type ValuesAs } from "../../src/handlers/event-bag.ts";
import { answerOfEvent } from "../../src/handlers/event-output.ts";

async function answerOf(
  properties: Record<string, unknown>,
  valuesAs: ValuesAs = "properties",
): Promise<Response> {
  const bag = new EventBag(valuesAs);
  for (const [name, value] of Object.entries(properties)) bag.put(name, value);
  return await answerOfEvent(bag, { contentType: "text/plain", realm: "mill" });
}

t.test("an empty redirect is none, and nothing at all is an empty 200", async (t) => {
  t.equal((await answerOf({ "http.redirect": "", "http.status": 201 })).status, 201);
  for (const none of ["", [""], null, []]) {
    const given = { "http.redirect": none, "http.status": 201 };
    t.equal((await answerOf(given, "attributes")).status, 201, "of attributes it is none, too");
  }
  const to = await answerOf({ "http.redirect": "/a" }, "attributes");
  t.strictSame([to.status, to.headers.get("location")], [302, "/a"]);
  const empty = await answerOf({});
  t.equal(empty.status, 200);
  t.equal(empty.body, null);
});

t.test("a URL object redirects, a file URL that is no path is an error", async (t) => {
  const answer = await answerOf({ "http.redirect": new URL("http://b/c") });
  t.equal(answer.headers.get("location"), "http://b/c");
  const abroad = await answerOf({ "http.redirect": "/日本" });
  t.equal(abroad.headers.get("location"), "/%E6%97%A5%E6%9C%AC");
  await t.rejects(answerOf({ "http.body": new URL("file://host/a") }), TypeError);
});

t.test("an array is a body as JSON; of attributes its first value is the body", async (t) => {
  for (const list of [[1, 2, 3], ["a"], [], [{ a: [1] }], [[1]]]) {
    const text = JSON.stringify(list);
    t.equal(await (await answerOf({ "http.body": list })).text(), text);
    t.equal(await (await answerOf({ "http.body": [list] }, "attributes")).text(), text);
  }
  t.equal(await (await answerOf({ "http.body": "a" }, "attributes")).text(), "a");
  t.equal(await (await answerOf({ "http.body": ["a", "b"] }, "attributes")).text(), "a");
  t.equal((await answerOf({ "http.body": [] }, "attributes")).body, null);
});

t.test("a name of a field that is none, and statuses that are none", async (t) => {
  await t.rejects(answerOf({ "http.a b": "1" }), TypeError);
  for (const status of ["1", "abc", "700 Odd", {}, "204\n205"]) {
    await t.rejects(answerOf({ "http.status": status }), TypeError);
  }
});

t.test("any other value is its text", async (t) => {
  class Named {
    toString(): string {
      return "named";
    }
  }
  t.equal(await (await answerOf({ "http.body": new Named() })).text(), "named");
  t.equal(await (await answerOf({ "http.body": false })).text(), "false");
  t.equal(await (await answerOf({ "http.body": new Date(0) })).text(), String(new Date(0)));
});
