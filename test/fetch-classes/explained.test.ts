/**
 * Where our classes are meant to differ from those of the runtime. Each row is in
 * docs/fetch-classes.md with its reason; here it is held to what ours do.
 */
import { readFileSync } from "node:fs";
import t from "tap";
import type { MillraceRequest } from "../../src/index.ts";
import { bothOutcomes, type Cases } from "../support/compare.ts";
import { repositoryFile } from "../support/environment.ts";

interface Difference {
  /** What docs/fetch-classes.md calls it. */
  readonly name: string;
  readonly run: Cases[string];
  readonly ours: unknown;
}

const U = "http://a.test/";
const value = (is: unknown, isPromise = false): unknown => ({ value: is, isPromise });
const hidden = Object.defineProperty({ a: "1" }, "b", { value: "2", enumerable: false });
const twice = new Uint8Array([0xef, 0xbb, 0xbf, 0xef, 0xbb, 0xbf, 0x31]);

function watched(log: unknown[]): object {
  return new Proxy({ a: "1" }, {
    getOwnPropertyDescriptor(target, key) {
      log.push(key);
      return Reflect.getOwnPropertyDescriptor(target, key);
    },
  });
}

const DIFFERENCES: readonly Difference[] = [
  {
    name: "a symbol among a record's names",
    run: ({ Headers }) => [...new Headers({ [Symbol("a")]: "1", b: "2" })],
    ours: value([["b", "2"]]),
  },
  {
    name: "`__proto__` as a record's own name",
    run: ({ Headers }) => [...new Headers({ ["__proto__"]: "1" })],
    ours: value([["__proto__", "1"]]),
  },
  {
    name: "names of a record that are not enumerable",
    run: ({ Headers }) => [...new Headers(hidden)],
    ours: value([["a", "1"]]),
  },
  {
    name: "how often a record's descriptors are asked for",
    run: ({ Headers }) => {
      const log: unknown[] = [];
      void new Headers(watched(log));
      return log.length;
    },
    ours: value(2),
  },
  {
    name: "`this` in `forEach` without a second argument",
    run: ({ Headers }) => {
      const seen: unknown[] = [];
      new Headers({ a: "1" }).forEach(function (this: unknown) {
        seen.push(this === undefined);
      });
      return seen;
    },
    ours: value([true]),
  },
  {
    name: "a negative status that wraps to a valid one",
    run: ({ Response }) => new Response("", { status: -65_336 }).status,
    ours: value(200),
  },
  {
    name: "`Response.json(data, null)`",
    run: ({ Response }) => Response.json(1, null).status,
    ours: value(200),
  },
  {
    name: "a second byte order mark",
    run: ({ Response }) => new Response(twice).text(),
    ours: value("\ufeff1", true),
  },
  {
    name: "bytes that change after the Response was made",
    run: ({ Response }) => {
      const bytes = new Uint8Array([97]);
      const response = new Response(bytes);
      bytes[0] = 98;
      return response.text();
    },
    ours: value("b", true),
  },
  {
    name: "bytes whose buffer was given away before",
    run: ({ Response }) => {
      const bytes = new Uint8Array([97]);
      structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
      return new Response(bytes).text();
    },
    ours: { error: "TypeError", isPromise: false },
  },
  {
    name: "`structuredClone`",
    run: ({ Headers }) => Object.keys(structuredClone(new Headers({ a: "1" })) as object),
    ours: value([]),
  },
  {
    name: "the prototype as an instance",
    run: ({ Headers }) => Headers.prototype instanceof Headers,
    ours: value(true),
  },
  {
    name: "`request.params`",
    run: ({ Request }) => typeof new Request(U).params,
    ours: value("object"),
  },
  {
    name: "`request.cookies`",
    run: ({ Request }) => {
      const request = new Request(U, { headers: { cookie: "a=1" } });
      const { cookies } = request as MillraceRequest;
      return cookies.get("a") === "1" && cookies === (request as MillraceRequest).cookies;
    },
    ours: value(true),
  },
  {
    name: "the runtime's own constructor over our Request",
    run: ({ Request }) => new globalThis.Request(new Request(U)).url,
    ours: { error: "TypeError", isPromise: false },
  },
];

t.test("each explained difference", async (t) => {
  const page = readFileSync(repositoryFile("docs/fetch-classes.md"), "utf8");
  const rows = [...page.matchAll(/^\| (?!---|what )(.+?) \|/gm)].map(([, name]) => name);
  t.strictSame(rows, DIFFERENCES.map(({ name }) => name), "the page has these rows");
  for (const { name, run, ours } of DIFFERENCES) {
    const both = await bothOutcomes(run);
    t.strictSame(both.ours, ours, name);
    t.comment(`${name}: the runtime ${JSON.stringify(both.theirs)}`);
  }
});
