/** Installing and removing the globals. */
import t from "tap";
import { installGlobals, removeGlobals } from "../../src/worker/globals.ts";
import { LightHeaders } from "../../src/worker/headers.ts";
import { LightRequest } from "../../src/worker/request.ts";
import { LightResponse } from "../../src/worker/response.ts";

const NAMES = ["Headers", "Request", "Response", "fetch"] as const;
const descriptors = (): unknown[] =>
  NAMES.map((name) => Object.getOwnPropertyDescriptor(globalThis, name));

t.test("installed once, removed with the last", async (t) => {
  const before = descriptors();
  const { fetch } = globalThis;
  installGlobals();
  t.equal(globalThis.Response, LightResponse);
  t.equal(globalThis.Request, LightRequest);
  t.equal(globalThis.Headers, LightHeaders);
  t.not(globalThis.fetch, fetch);
  const wrapped = globalThis.fetch;
  t.equal(wrapped.name, fetch.name);
  t.equal(wrapped.length, fetch.length);
  installGlobals();
  t.equal(globalThis.fetch, wrapped, "not wrapped twice");
  removeGlobals();
  t.equal(globalThis.Response, LightResponse, "another server still runs");
  removeGlobals();
  t.strictSame(descriptors(), before);
  t.throws(() => removeGlobals(), /more often/);
});

t.test("installed again after it was removed", async (t) => {
  const before = descriptors();
  for (let round = 0; round < 3; round++) {
    installGlobals();
    t.equal(globalThis.Response, LightResponse);
    removeGlobals();
    t.strictSame(descriptors(), before);
  }
});

t.test("what somebody else has put there stays", async (t) => {
  const { fetch } = globalThis;
  installGlobals();
  const other = (): never => {
    throw new Error("no network here");
  };
  globalThis.fetch = other;
  removeGlobals();
  t.equal(globalThis.fetch, other);
  t.not(globalThis.Response, LightResponse);
  globalThis.fetch = fetch;
});
