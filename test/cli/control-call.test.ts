/** Tests of the errors of a call to a control socket: one for each way in which there is none. */
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { createServer as createSocketServer } from "node:net";
import { join } from "node:path";
import t from "tap";
import { callControl } from "../../src/cli/control-call.ts";
import { ownFolder } from "../support/folder.ts";
import type { Owner } from "../support/folder.ts";

const GET = { name: "GET /status", timeoutMs: 5000 };
const code = "ERR_MILLRACE_CONTROL_SOCKET";

async function answering(owner: Owner, listener: RequestListener): Promise<string> {
  const path = join(ownFolder(owner), "c");
  const server = createServer(listener).listen(path);
  owner.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, "listening");
  return path;
}

t.test("the answer of a success, and the error of a refusal", async (t) => {
  const path = await answering(t, (incoming, outgoing) => {
    let text = "";
    incoming.on("data", (chunk: Buffer) => (text += chunk.toString()));
    incoming.on("end", () => {
      if (incoming.url === "/echo") outgoing.end(JSON.stringify({ got: JSON.parse(text) }));
      else {
        const error = { code: incoming.url?.slice(1), message: "not like that" };
        outgoing.writeHead(409).end(JSON.stringify({ error }));
      }
    });
  });
  const value = await callControl(path, { name: "POST /echo", body: { a: 1 }, timeoutMs: 0 });
  t.strictSame(value, { got: { a: 1 } });
  await t.rejects(callControl(path, { name: "GET /ERR_MILLRACE_BIND", timeoutMs: 0 }), {
    code: "ERR_MILLRACE_BIND", message: "not like that",
  });
  await t.rejects(callControl(path, { name: "GET /constructor", timeoutMs: 0 }), {
    code: "ERR_MILLRACE_CONTROL_REQUEST", message: "not like that",
  });
});

t.test("no socket, a dead one, and something that is none", async (t) => {
  const folder = ownFolder(t);
  await t.rejects(callControl(join(folder, "none"), GET), {
    code, message: /there is no control socket/,
  });
  const file = join(folder, "file");
  writeFileSync(file, "");
  await t.rejects(callControl(file, GET), { code, message: /nobody answers/ });
});

t.test("a server that is too busy, one that ends, and one that is another", async (t) => {
  const silent = await answering(t, () => undefined);
  await t.rejects(callControl(silent, { ...GET, timeoutMs: 50 }), { code, message: /too busy/ });
  const ending = await answering(t, (incoming) => incoming.socket.destroy());
  await t.rejects(callControl(ending, GET), { code, message: /has ended before/ });
  const other = await answering(t, (_, outgoing) => outgoing.end("<html>"));
  await t.rejects(callControl(other, GET), { code, message: /is no server of Millrace/ });
  const path = join(ownFolder(t), "raw");
  const raw = createSocketServer((socket) => socket.end("SSH-2.0\r\n")).listen(path);
  t.teardown(() => {
    raw.close();
  });
  await once(raw, "listening");
  await t.rejects(callControl(path, GET), { code, message: /is no server of Millrace/ });
});
