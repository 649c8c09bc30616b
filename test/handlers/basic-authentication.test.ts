/** Tests of the Basic scheme: exactly one record lets in. */
import t from "tap";
import { basic, type BasicOptions, type Lookup } from "../../src/handlers/basic-authentication.ts";
import { isSameText } from "../../src/handlers/same-text.ts";
import type { Context, MillraceRequest } from "../../src/shared/app.ts";

const context = {} as Context;

async function userOf(lookup: Lookup, field?: string): Promise<unknown> {
  const headers = new Headers(field === undefined ? {} : { authorization: field });
  return await basic({ lookup }).authenticate({ headers } as MillraceRequest, context);
}

t.test("one record is the user; none and several are nobody", async (t) => {
  const field = `Basic ${btoa("miller:flour:white")}`;
  const record = { name: "miller" };
  const asked: string[][] = [];
  const lookup = (found: unknown): Lookup => (user, password) => {
    asked.push([user, password]);
    return found;
  };
  t.equal(await userOf(lookup(record), field), record);
  t.equal(await userOf(lookup([record]), field), record);
  t.equal(await userOf(lookup(Promise.resolve([record])), field), record);
  for (const found of [[], [record, record], null, undefined, Promise.resolve(null)]) {
    t.equal(await userOf(lookup(found), field), null);
  }
  t.equal(await userOf(() => isSameText("a", "b"), field), null, "a comparison lets nobody in");
  t.equal(await userOf(() => [false], field), null);
  t.strictSame(asked[0], ["miller", "flour:white"]);
  t.equal(asked.length, 8);
  await t.rejects(userOf(() => Promise.reject(new Error("no directory")), field));
});

t.test("without credentials nobody is looked up", async (t) => {
  const never: Lookup = () => t.fail("asked");
  for (const field of [undefined, "Basic !", "Bearer x"]) t.equal(await userOf(never, field), null);
});

t.test("the challenge, and options that are none", (t) => {
  const request = {} as MillraceRequest;
  const lookup: Lookup = () => null;
  t.equal(
    basic({ lookup, realm: "the mill" }).challenge!(request, context),
    'Basic realm="the mill", charset="UTF-8"',
  );
  t.match(basic({ lookup }).challenge!(request, context), 'realm="millrace"');
  t.throws(() => basic({ lookup, realm: "a\n" }), {
    name: "TypeError", message: "basic: realm is printable ASCII",
  });
  t.throws(() => basic({} as BasicOptions), TypeError);
  t.throws(() => basic({ lookup, realm: 5 } as unknown as BasicOptions), {
    message: "basic: realm is a string",
  });
  t.throws(() => basic(undefined as unknown as BasicOptions), { message: "its options are an" });
  t.throws(() => basic({ lookup, reealm: "a" } as BasicOptions), { message: "mean realm?" });
  t.end();
});
