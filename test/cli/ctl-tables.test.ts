/** Tests of the tables that `millrace ctl` prints. */
import t from "tap";
import { listenersText, plain, statesText, statusText } from "../../src/cli/ctl-tables.ts";
import type { ControlListener, ControlStatus } from "../../src/shared/control.ts";

const listener: ControlListener = {
  id: "web", name: "web", bind: "[::1]:80", url: "http://[::1]:80", state: "listening",
  isTls: false, addresses: [],
  connections: 3, requests: 100, bytesIn: 2048, bytesOut: 5_000_000, refused: 1, rejected: 2,
  unannounced: 0,
  upgraded: 0,
};

const status: ControlStatus = {
  pid: 7, version: "1.2.3", node: "v24.9.0", state: "serving", generation: 2, uptimeMs: 93_784_000,
  connections: 3, requests: 100, listeners: [listener],
  workers: [{
    id: 1, threadId: 1, generation: 2, state: "stuck", connections: 3, requests: 100, bytesIn: 1,
    bytesOut: 1, rejected: 0, heldBytes: 0, inFlight: 4, utilisation: 0.256,
    route: null,
  }],
};

t.test("the status names the process, its listeners and its workers", async (t) => {
  t.equal(statusText(status, plain), [
    "Millrace 1.2.3, process 7, Node.js 24.9.0",
    "serving for 1 d 2 h, generation 2, 3 connections, 100 requests",
    "",
    "LISTENER  STATE      BIND      CONNECTIONS  REQUESTS  PER S       IN       OUT  TURNED AWAY",
    "web       listening  [::1]:80            3       100      -  2.0 KiB  4.8 MiB            3",
    "",
    "WORKER  STATE  GENERATION  CONNECTIONS  IN FLIGHT  REQUESTS  PER S  BUSY  HELD",
    "1       stuck           2            3          4       100      -  26 %   0 B",
    "",
  ].join("\n").replace("       IN       OUT", "       IN      OUT"));
});

t.test("rates are those since the same process said something before", async (t) => {
  const later = {
    ...status,
    uptimeMs: status.uptimeMs + 2000,
    listeners: [{ ...listener, requests: 150 }],
    workers: [{ ...status.workers[0]!, requests: 103 }],
  };
  const text = statusText(later, plain, status);
  t.match(text, /web .* 150 +25 /);
  t.match(text, /stuck .* 103 +1\.5 /);
  t.match(statusText({ ...later, pid: 8 }, plain, status), /web .* 150 +- /);
  t.match(statusText(status, plain, status), /web .* 100 +- /, "no time has passed");
});

t.test("states are painted without moving the columns", async (t) => {
  const paint = (style: string, text: string): string => `<${style}>${text}</>`;
  const text = statusText(status, paint);
  t.match(text, /web {7}<green>listening<\/> {2}\[/);
  t.match(text, /1 {7}<red>stuck<\/> /);
  t.match(listenersText([listener], paint), /^<dim>LISTENER/);
  const odd = { ...listener, id: "paused", state: "failed" } as const;
  t.match(statesText([odd], paint), /\npaused {4}<red>failed<\/>/, "an id is no state");
});
