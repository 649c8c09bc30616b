/** Tests of what the control socket does with requests, whatever their resource. */
import { once } from "node:events";
import { createServer } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import t from "tap";
import { controlExchange, malformed } from "../../src/primary/control-exchange.ts";
import type { AnswerControl, ControlRequest } from "../../src/primary/control-exchange.ts";
import { MillraceError } from "../../src/shared/errors.ts";
import { askControl } from "../support/ask-control.ts";
import { ownFolder } from "../support/folder.ts";
import type { Owner } from "../support/folder.ts";

async function answering(owner: Owner, answer: AnswerControl): Promise<string> {
  const path = join(ownFolder(owner), "c");
  const server = createServer(controlExchange(answer)).listen(path);
  owner.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, "listening");
  return path;
}

t.test("the path, the query and the body reach the resource decoded", async (t) => {
  let asked: ControlRequest | undefined;
  const path = await answering(t, async (request) => {
    asked = request;
    return { status: 201, value: { done: true } };
  });
  const told = await askControl(path, "POST /listeners/%2Frun%2Fa.sock/stop?x=1", { force: true });
  t.strictSame(told, { status: 201, value: { done: true } });
  t.match(asked, {
    method: "POST", segments: ["listeners", "/run/a.sock", "stop"], body: { force: true },
  });
  t.equal(asked?.query.get("x"), "1");
});

t.test("malformed requests are told so, and reach no resource", async (t) => {
  let calls = 0;
  const path = await answering(t, async () => {
    calls++;
    return { status: 200, value: {} };
  });
  const requests: [string, string | undefined, number, RegExp][] = [
    ["POST /x", "{", 400, /not JSON/],
    ["POST /x", "[1]", 400, /an object in JSON/],
    ["POST /x", '"text"', 400, /an object in JSON/],
    ["POST /%zz", undefined, 400, /percent-encoded/],
    ["POST //", "x".repeat(65_537), 413, /longer than 65536 bytes/],
  ];
  for (const [name, body, status, message] of requests) {
    const told = await askControl(path, name, body);
    t.equal(told.status, status, name);
    t.match(told.value, { error: { code: "ERR_MILLRACE_CONTROL_REQUEST", message } });
  }
  t.equal(calls, 0);
});

t.test("a body of exactly the limit is taken", async (t) => {
  const path = await answering(t, async ({ body }) => ({ status: 200, value: body }));
  const frame = JSON.stringify({ a: "" }).length;
  const told = await askControl(path, "POST /x", { a: "x".repeat(65_536 - frame) });
  t.equal(told.status, 200);
});

t.test("what a resource throws has the status of its code, and its causes", async (t) => {
  const errors: Record<string, Error> = {
    unknown: new MillraceError("ERR_MILLRACE_LISTENER_UNKNOWN"),
    duplicate: new MillraceError("ERR_MILLRACE_LISTENER_DUPLICATE"),
    late: new MillraceError("ERR_MILLRACE_CONTROL_TIMEOUT"),
    method: malformed(405, "no"),
    app: new MillraceError("ERR_MILLRACE_APP_LOAD", "it does not load", {
      cause: new Error("app.mjs:3 is wrong"),
    }),
    bug: new TypeError("oops"),
  };
  const path = await answering(t, async ({ segments }) => {
    throw errors[segments[0] ?? ""]!;
  });
  const status = async (name: string): Promise<number> =>
    (await askControl(path, `GET /${name}`)).status;
  t.equal(await status("unknown"), 404);
  t.equal(await status("duplicate"), 409);
  t.equal(await status("late"), 504);
  t.equal(await status("method"), 405);
  t.equal(await status("bug"), 500);
  t.strictSame((await askControl(path, "GET /app")).value, {
    error: { code: "ERR_MILLRACE_APP_LOAD", message: "it does not load: app.mjs:3 is wrong" },
  });
});

t.test("beyond 32 requests in work the next is told that the server is busy", async (t) => {
  let release!: () => void;
  const gate = new Promise<void>((resolve) => (release = resolve));
  let arrived = 0;
  let full!: () => void;
  const filled = new Promise<void>((resolve) => (full = resolve));
  const path = await answering(t, async () => {
    if (++arrived === 32) full();
    await gate;
    return { status: 200, value: {} };
  });
  const waiting = Array.from({ length: 32 }, () => askControl(path, "GET /"));
  await filled;
  const told = await askControl(path, "GET /");
  t.equal(told.status, 503);
  t.match(told.value, { error: { code: "ERR_MILLRACE_CONTROL_BUSY" } });
  release();
  t.strictSame(new Set((await Promise.all(waiting)).map(({ status }) => status)), new Set([200]));
  t.equal((await askControl(path, "GET /")).status, 200, "there is room again");
});

t.test("who goes before the body is complete leaves its place to others", async (t) => {
  const path = await answering(t, async () => ({ status: 200, value: {} }));
  for (let i = 0; i < 40; i++) {
    const socket = connect(path);
    await once(socket, "connect");
    socket.write("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{");
    await new Promise((resolve) => setTimeout(resolve, 2));
    socket.destroy();
  }
  t.equal((await askControl(path, "GET /")).status, 200);
});
