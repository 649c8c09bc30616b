/** Test of the example of a WebSocket, run by the command. */
import t from "tap";
import { Command } from "../support/command.ts";
import { repositoryFile } from "../support/environment.ts";
import { openPeer } from "../support/websocket-peer.ts";

t.test("what is sent comes back, and the end of the server is told", async (t) => {
  const args = [repositoryFile("examples/websocket-echo.mjs"), "--port", "0", "--workers", "1"];
  const command = new Command(t, args);
  const url = (await command.url()).replace(/\/$/, "");
  t.match(await (await fetch(url)).text(), /new WebSocket\(/);
  t.equal((await fetch(`${url}/echo`)).status, 400);
  const peer = await openPeer(t, `${url}/echo`);
  peer.socket.send("hello");
  peer.socket.send("again");
  t.strictSame(await peer.received(2), ["hello", "again"]);
  const long = await openPeer(t, `${url}/echo`);
  long.socket.send("x".repeat(64 * 1024 + 1));
  t.equal((await long.closed).code, 1009);
  command.child.kill("SIGTERM");
  t.equal((await peer.closed).code, 1001);
  t.equal((await command.ended()).code, 0);
});
