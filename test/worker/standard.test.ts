/** What makes a class look like one of Web IDL. */
import { inspect } from "node:util";
import t from "tap";
import { isInstance, needArguments, standFor, toText } from "../../src/worker/standard.ts";

class Standard {
  get a(): number {
    return 1;
  }
}

class Light {
  static make(): Light {
    return new Light();
  }

  get a(): number {
    return 2;
  }

  constructor(readonly?: unknown, other?: unknown) {
    void [readonly, other];
  }

  static [Symbol.hasInstance](value: unknown): boolean {
    return isInstance(Light, Standard, this, value);
  }
}

standFor(Light, Standard, (light) => ({ a: light.a }));

t.test("a light class stands for the standard one", async (t) => {
  const light = new Light();
  t.equal(Light.name, "Standard");
  t.equal(Light.length, 0);
  t.equal(Object.prototype.toString.call(light), "[object Standard]");
  t.equal(inspect(light), "Standard { a: 2 }");
  t.equal(inspect({ light }), "{ light: Standard { a: 2 } }");
  const names: string[] = [];
  for (const name in light) names.push(name);
  t.strictSame(names, ["a"]);
  t.strictSame(Object.keys(Light), ["make"]);
});

t.test("instances", async (t) => {
  class Sub extends Light {}
  t.ok(new Light() instanceof Standard);
  t.ok(new Standard() instanceof Light);
  t.ok(new Sub() instanceof Sub);
  t.ok(new Sub() instanceof Light);
  t.notOk(new Light() instanceof Sub);
  t.notOk(new Standard() instanceof Sub);
  t.notOk({} instanceof Light);
});

t.test("strings", async (t) => {
  t.equal(toText(null), "null");
  t.equal(toText({ toString: () => "a" }), "a");
  t.throws(() => toText(Symbol("a")), TypeError);
});

t.test("the number of arguments", async (t) => {
  needArguments(1, 1, "a");
  t.throws(() => needArguments(0, 1, "F.a"), /^F\.a: 1 argument required, got 0$/);
  t.throws(() => needArguments(1, 2, "F.a"), TypeError);
});
