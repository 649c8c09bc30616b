/** Tests of the properties of an event. */
import t from "tap";
import { asObject, EventBag } from "../../src/handlers/event-bag.ts";

t.test("one value: an array that was put is one, but of attributes", (t) => {
  for (const [valuesAs, listed] of [["properties", [1, 2]], ["attributes", 1]] as const) {
    const bag = new EventBag(valuesAs);
    bag.put("a", 1);
    bag.put("List", [1, 2]);
    bag.add("c", 3);
    bag.add("c", 4);
    const ones = ["A", "list", "c", "none"].map((name) => bag.one(name));
    t.strictSame(ones, [1, listed, 3, undefined]);
  }
  t.end();
});

t.test("one value a name, or all of them", (t) => {
  for (const valuesAs of ["properties", "attributes"] as const) {
    const bag = new EventBag(valuesAs);
    bag.add("http.Accept", "a");
    bag.add("http.accept", "b");
    bag.add("http.qs.x", "1", ";");
    bag.add("http.qs.x", true, ";");
    bag.put("http.one", "c");
    const isSingle = valuesAs === "properties";
    t.strictSame(bag.get("HTTP.ACCEPT"), isSingle ? "a, b" : ["a", "b"]);
    t.strictSame(bag.get("http.qs.x"), isSingle ? "1;true" : ["1", true]);
    t.strictSame(bag.get("http.one"), isSingle ? "c" : ["c"]);
    t.strictSame(bag.all("http.accept"), ["a", "b"]);
    t.equal(bag.get("http.none"), undefined);
    t.strictSame(bag.all("http.none"), []);
    t.strictSame(bag.names, ["http.Accept", "http.qs.x", "http.one"]);
  }
  t.end();
});

t.test("as an object: read, written, listed and deleted by name, whatever its case", (t) => {
  const bag = new EventBag("properties");
  const object = asObject(bag);
  object["http.Status"] = 404;
  t.equal(object["http.status"], 404);
  object["http.status"] = ["a", "b"];
  t.equal(object["http.status"], "a, b");
  t.ok("http.STATUS" in object);
  t.strictSame(Object.keys(object), ["http.status"]);
  t.strictSame({ ...object }, { "http.status": "a, b" });
  delete object["HTTP.status"];
  t.notOk("http.status" in object);
  object["http.body"] = undefined;
  t.strictSame(Object.keys(object), []);
  t.equal(object["toString"], undefined, "nothing that was not put");
  t.equal(object["__proto__"], undefined);
  t.end();
});
