/**
 * What reflection sees of the classes, side by side with the runtime's: descriptors, lengths,
 * names, tags, brand checks, and what the rest of the platform makes of the objects.
 */
import { inspect } from "node:util";
import t from "tap";
import { type Classes, outcome, sameAsStandard } from "../support/compare.ts";

type Name = keyof Classes;

const MAKE: Readonly<Record<Name, (classes: Classes) => any>> = { // any: as in Classes
  Headers: ({ Headers }) => new Headers({ a: "1" }),
  Request: ({ Request }) => new Request("http://a.test", { method: "POST", body: "a" }),
  Response: ({ Response }) => new Response("a", { headers: { a: "1" } }),
};
const NAMES = Object.keys(MAKE) as Name[];

/** The members that the fetch standard names. */
const MEMBERS: Readonly<Record<Name, readonly string[]>> = {
  Headers: [
    "append", "delete", "get", "getSetCookie", "has", "set", "forEach", "keys", "values", "entries",
  ],
  Request: [
    "method", "url", "headers", "destination", "referrer", "referrerPolicy", "mode", "credentials",
    "cache", "redirect", "integrity", "keepalive", "signal", "duplex", "clone", "body", "bodyUsed",
    "arrayBuffer", "blob", "formData", "json", "text",
  ],
  Response: [
    "type", "url", "redirected", "status", "ok", "statusText", "headers", "clone", "body",
    "bodyUsed", "arrayBuffer", "blob", "formData", "json", "text",
  ],
};

function described(descriptor: PropertyDescriptor | undefined): unknown {
  if (descriptor === undefined) return undefined;
  const { enumerable, configurable, writable, value, get, set } = descriptor;
  const isMethod = typeof value === "function";
  return {
    flags: [enumerable, configurable, writable],
    method: isMethod && [value.name, value.length],
    getter: get !== undefined && [get.name, get.length],
    setter: set !== undefined,
  };
}

t.test("each member's descriptor, receiver and assignment", async (t) => {
  for (const name of NAMES) {
    for (const member of MEMBERS[name]) {
      const find = (classes: Classes): PropertyDescriptor | undefined =>
        Object.getOwnPropertyDescriptor(classes[name].prototype, member);
      const call = (classes: Classes, receiver: unknown): unknown => {
        const { get, value } = find(classes)!;
        return (get ?? value).call(receiver, "a", "b");
      };
      await sameAsStandard(t, {
        [`${name}.${member}: descriptor`]: (classes) => described(find(classes)),
        [`${name}.${member}: of an object`]: (classes) => call(classes, {}),
        [`${name}.${member}: of nothing`]: (classes) => call(classes, undefined),
        [`${name}.${member}: of the prototype`]: (classes) =>
          call(classes, classes[name].prototype),
        [`${name}.${member}: of another class`]: (classes) =>
          call(classes, MAKE[name === "Headers" ? "Response" : "Headers"](classes)),
        [`${name}.${member}: assigned`]: (classes) => {
          const object = MAKE[name](classes);
          object[member] = 1;
          return object[member] === 1;
        },
        [`${name}.${member}: is no constructor`]: (classes) => {
          const { value } = find(classes)!;
          return value === undefined ? null : Reflect.construct(value, []);
        },
        [`${name}.${member}: in an object`]: (classes) => {
          const object = MAKE[name](classes);
          return [member in object, Object.hasOwn(object, member)];
        },
      });
    }
  }
});

t.test("the constructors", async (t) => {
  for (const name of NAMES) {
    await sameAsStandard(t, {
      [`${name}: name and length`]: (classes) => [classes[name].name, classes[name].length],
      [`${name}: own descriptors`]: (classes) =>
        ["name", "length", "prototype"].map((each) =>
          described(Object.getOwnPropertyDescriptor(classes[name], each))),
      [`${name}: constructor`]: (classes) => {
        const { prototype } = classes[name];
        return [prototype.constructor === classes[name],
          described(Object.getOwnPropertyDescriptor(prototype, "constructor"))];
      },
      [`${name}: tag`]: (classes) => [
        Object.getOwnPropertyDescriptor(classes[name].prototype, Symbol.toStringTag),
        String(MAKE[name](classes)),
      ],
      [`${name}: called`]: (classes) => classes[name]("http://a.test"),
      [`${name}: a subclass`]: (classes) => {
        class Mine extends classes[name] {}
        const mine = Reflect.construct(Mine, name === "Request" ? ["http://a.test"] : []);
        return [mine instanceof Mine, mine instanceof classes[name], mine.constructor === Mine,
          MAKE[name](classes) instanceof Mine, String(mine)];
      },
      [`${name}: instanceof`]: (classes) => [
        MAKE[name](classes) instanceof classes[name],
        ({}) instanceof classes[name],
        Object.create(classes[name].prototype) instanceof classes[name],
      ],
    });
  }
  for (const method of ["error", "json", "redirect"]) {
    await sameAsStandard(t, {
      [`Response.${method}`]: ({ Response }) =>
        described(Object.getOwnPropertyDescriptor(Response, method)),
    });
  }
});

t.test("what the platform makes of the objects", async (t) => {
  for (const name of NAMES) {
    await sameAsStandard(t, {
      [`${name}: keys`]: (classes) => Object.keys(MAKE[name](classes)),
      [`${name}: JSON`]: (classes) => JSON.stringify(MAKE[name](classes)),
      [`${name}: as text`]: (classes) => `${MAKE[name](classes)}`,
      [`${name}: spread`]: (classes) => Object.keys({ ...MAKE[name](classes) }),
      [`${name}: frozen`]: (classes) => Object.isFrozen(Object.freeze(MAKE[name](classes))),
      [`${name}: extended`]: (classes) => {
        const object = MAKE[name](classes);
        object.extra = 1;
        return Object.keys(object);
      },
      [`${name}: a weak key`]: (classes) => {
        const object = MAKE[name](classes);
        return new WeakMap([[object, 1]]).get(object);
      },
    });
  }
});

t.test("util.inspect", async (t) => {
  for (const name of NAMES) {
    await sameAsStandard(t, {
      [`${name}: begins with its name`]: (classes) =>
        inspect(MAKE[name](classes)).startsWith(`${name} {`),
      [`${name}: at a depth`]: (classes) =>
        inspect({ a: { b: { c: MAKE[name](classes) } } }, { depth: 1 }),
      [`${name}: shows a field`]: (classes) => /'?a'?: '1'/.test(inspect(MAKE[name](classes))),
      [`${name}: reads no body`]: (classes) => {
        const object = MAKE[name](classes);
        inspect(object, { depth: 5 });
        return [object.bodyUsed, object.body?.locked];
      },
    });
  }
});

t.test("each class takes the other's objects", async (t) => {
  const url = "http://a.test/";
  await sameAsStandard(t, {
    "fetch classes of the runtime take ours": async ({ Request, Response, Headers }) => {
      const request = new Request(url, { method: "POST", body: "a", headers: { b: "1" } });
      const response = new Response("c", { status: 201, headers: { d: "1" } });
      const headers = new Headers([["set-cookie", "a"], ["set-cookie", "b"]]);
      return [
        await new globalThis.Request(url, request).text(),
        await new globalThis.Response(response.body, response).text(),
        [...new globalThis.Headers(headers)],
        await outcome(() => new globalThis.Request(url, { headers }).headers.get("set-cookie")),
        request instanceof globalThis.Request,
        response instanceof globalThis.Response,
        headers instanceof globalThis.Headers,
      ];
    },
    "and ours those of the runtime": async ({ Request, Response, Headers }) => {
      const request = new globalThis.Request(url, { method: "POST", body: "a" });
      const response = new globalThis.Response("c", { status: 201, headers: { d: "1" } });
      const headers = new globalThis.Headers([["set-cookie", "a"], ["set-cookie", "b"]]);
      return [
        await new Request(request).text(),
        await new Response(response.body, response).text(),
        [...new Headers(headers)],
        new Response("", { headers }).headers.getSetCookie(),
        request instanceof Request,
        response instanceof Response,
        headers instanceof Headers,
      ];
    },
  });
});
