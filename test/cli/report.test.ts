/** Tests of the start-up report. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import t from "tap";
import { reportText } from "../../src/cli/report.ts";
import type { ListenerInfo } from "../../src/shared/app.ts";

function listener(of: Partial<ListenerInfo>): ListenerInfo {
  const id = of.id ?? "default";
  const url = "http://127.0.0.1:3000";
  return { id, name: id, bind: "", url, isTls: false, addresses: [], state: "listening", ...of };
}

const app = pathToFileURL(join(process.cwd(), "app.mjs")).href;

t.test("the report names the app, the workers and the URL", async (t) => {
  const listeners = [listener({ host: "127.0.0.1", port: 3000 })];
  t.equal(reportText({ version: "1.2.3", app, workers: 2, listeners }), [
    "Millrace 1.2.3 serves app.mjs with 2 workers",
    "  default  http://127.0.0.1:3000",
    "127.0.0.1 answers only this machine; --host 0.0.0.0 answers the network too",
    "",
  ].join("\n"));
});

t.test("an address of the network needs no hint", async (t) => {
  const listeners = [listener({ host: "0.0.0.0" })];
  t.notMatch(reportText({ version: "1", app, workers: 1, listeners }), /only this machine/);
});

t.test("every listener has a line, in columns", async (t) => {
  const listeners = [
    listener({ id: "web", host: "::1", url: "http://[::1]:80" }),
    listener({ id: "local", url: "unix:/run/x.sock" }),
  ];
  const text = reportText({ version: "1", app, workers: 0, listeners });
  t.match(text, / in the primary thread, without workers\n/);
  t.match(text, /\n {2}web {4}http:\/\/\[::1\]:80\n {2}local {2}unix:\/run\/x\.sock\n/);
  t.match(text, /::1 answers only this machine; --listener with another bind/);
});

t.test("one worker, and an app without a module", async (t) => {
  const text = reportText({ version: "1", app: undefined, workers: 1, listeners: [listener({})] });
  t.match(text, /serves the app of the configuration file with 1 worker\n/);
});
