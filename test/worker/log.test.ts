/** Test of the log, in a process of its own, whose standard output can be read, and in a server. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { until } from "../support/deadline.ts";
import { cleanEnv, repositoryFile } from "../support/environment.ts";
import { ownFolder } from "../support/folder.ts";
import { startApp } from "../support/server.ts";
import { handshake } from "../support/websocket-peer.ts";

const SOURCE = `
import { childLog, makeLog } from ${JSON.stringify(repositoryFile("dist/src/worker/log.js"))};
const { log } = makeLog({ logLevel: "info", logDestination: "stdout" }, { worker: 7 });
log("called");
log("with %s", "parts");
log.debug("below the level");
log.warn({ key: "value" }, "method");
const { error } = log;
error(new Error("why"));
makeLog({ logLevel: "silent", logDestination: "stdout" }, {}).log.fatal("nothing");
let asked = 0;
const child = childLog(log, () => ({ id: ++asked }));
child.debug("below the level");
child("child of %d", asked);
child.error({ key: 1 }, "again");
const other = () => {};
childLog(other, () => ({})) === other || log("not the same");
log.warn({ header: "a\\x9b31mred" }, "b\\x7f\\x85c");
childLog(log, () => ({ id: "\\u2028" }))("d\\x9be");
`;

/** Errors that pino cannot take apart, each for a reason of its own. */
const HOSTILE_SOURCE = `
import { childLog, makeLog } from ${JSON.stringify(repositoryFile("dist/src/worker/log.js"))};
const { log } = makeLog({ logLevel: "info", logDestination: "stdout" }, {});
const get = () => { throw new Error("getter"); };
const odd = Object.defineProperty(new Error("odd"), "part", { enumerable: true, get });
log.error({ err: odd }, "in an object");
log.error(odd);
childLog(log, () => ({ id: 1 })).error({ err: odd }, "of a child");
log.error({ err: new Error("outer", { cause: odd }) }, "as a cause");
log.error({ err: Object.freeze(new Error("frozen")) }, "it takes no mark");
log.error({ err: Object.defineProperty(new Error("x"), "message", { get }) }, "no message");
const { proxy, revoke } = Proxy.revocable({}, {});
revoke();
log.error({ err: proxy }, "nothing at all");
`;

/** It throws such an error wherever the server logs it, and nobody else would catch it. */
const HOSTILE_APP = `
const hostile = () => Object.defineProperty(new Error("hostile"), "part", {
  enumerable: true, get() { throw new Error("getter"); },
});
const raise = () => { throw hostile(); };
export default {
  onResponse: ({ request }) => { if (request?.url.endsWith("/hook")) raise(); },
  websocket: { open: raise, message() {} },
  onClientError: raise,
  routes: {
    "/rejected": (request, context) => {
      context.waitUntil(Promise.reject(hostile()));
      return "a";
    },
    "/hook": () => "b",
    "/closed": (request, context) => { context.connection.onClose(raise); return "c"; },
    "/socket": (request, context) => context.upgrade({ start: raise }),
    "/websocket": (request, context) => context.upgrade(request),
  },
};
`;

t.test("it is called like a function, and has pino's methods and levels", async (t) => {
  const { stdout, stderr, status } = spawnSync(
    process.execPath, ["--input-type=module", "--eval", SOURCE],
    { env: cleanEnv(), encoding: "utf8" },
  );
  t.equal(stderr, "");
  t.equal(status, 0);
  const lines = stdout.trim().split("\n").map((line) => JSON.parse(line) as object);
  t.match(lines, [
    { level: 30, worker: 7, msg: "called" },
    { level: 30, worker: 7, msg: "with parts" },
    { level: 40, worker: 7, key: "value", msg: "method" },
    { level: 50, worker: 7, err: { message: "why" }, msg: "why" },
    { level: 30, worker: 7, id: 1, msg: "child of 0" },
    { level: 50, worker: 7, id: 1, key: 1, msg: "again" },
    { level: 40, worker: 7, header: "a\x9b31mred", msg: "b\x7f\x85c" },
    { level: 30, worker: 7, id: "\u2028", msg: "d\x9be" },
  ]);
  t.equal(lines.length, 8);
  t.notMatch(stdout, /[\x7f-\x9f\u2028]/, "no control character is there unescaped");
});

t.test("an error that cannot be taken apart is described, and logging it does not throw", (t) => {
  const { stdout, stderr, status } = spawnSync(
    process.execPath, ["--input-type=module", "--eval", HOSTILE_SOURCE],
    { env: cleanEnv(), encoding: "utf8" },
  );
  t.equal(stderr, "");
  t.equal(status, 0);
  t.match(stdout.trim().split("\n").map((line) => JSON.parse(line) as object), [
    { err: /^Error: odd\n +at .*part: \[Getter\]/s, msg: "in an object" },
    { err: /^Error: odd\n/, msg: "odd" },
    { err: /^Error: odd\n/, id: 1, msg: "of a child" },
    { err: { type: "Error", message: "outer: odd" }, msg: "as a cause" },
    { err: /^Error: frozen\n/, msg: "it takes no mark" },
    { err: /./, msg: "no message" },
    { err: /Revoked/, msg: "nothing at all" },
  ]);
  t.end();
});

t.test("such an error ends no worker, wherever an app throws it", async (t) => {
  const file = join(ownFolder(t), "log");
  const { server, connect } = await startApp(t, HOSTILE_APP, {
    logLevel: "error", logDestination: file,
  });
  const exits: unknown[] = [];
  server.events.on("workerExit", ({ error }) => exits.push(error));
  const messages = {
    "/rejected": "a waitUntil promise rejected",
    "/hook": "the app's onResponse failed",
    "/closed": "a close handler of a connection failed",
    "/socket": "a socket handler failed",
    "/websocket": "a handler of a WebSocket failed",
    "/malformed\x01": "the app's onClientError failed",
  };
  for (const [path, message] of Object.entries(messages)) {
    const client = await connect();
    client.write(handshake({}, path));
    await client.readUntil("\r\n\r\n");
    client.close();
    await until(message, () => readFileSync(file, "utf8").includes(`"msg":"${message}"`));
  }
  t.strictSame(exits, []);
  for (const line of readFileSync(file, "utf8").trim().split("\n")) {
    t.match(JSON.parse(line), { worker: 1, err: /^Error: hostile\n/ });
  }
});
