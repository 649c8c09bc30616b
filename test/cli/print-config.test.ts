/** Tests of the table that --print-config prints. */
import t from "tap";
import { configText } from "../../src/cli/print-config.ts";
import { resolveLayers } from "../../src/options.ts";
import type { Layer } from "../../src/options/layers.ts";
import { repositoryFile } from "../support/environment.ts";

const app = repositoryFile("examples/hello.mjs");

function print(...layers: Layer[]): string {
  return configText(resolveLayers(layers), layers);
}

t.test("each option stands with its value and the source that won", async (t) => {
  const text = print(
    { source: "flag", values: { app, workers: 3, resourceLimits: { stackSizeMb: 8 } } },
    { source: "environment", values: { port: 8080 } },
    { source: "file", file: "/x/millrace.config.json", values: { workers: 5, stuckMs: 100 } },
  );
  t.match(text, /^option +value +from\n/);
  t.match(text, /^app +file:\/\/\/.*hello\.mjs +argument$/m);
  t.match(text, /^workers +3 +--workers$/m);
  t.match(text, /^stuckMs +100 +\/x\/millrace\.config\.json$/m);
  t.match(text, /^resourceLimits +\{"stackSizeMb":8\} +--heap-mb$/m);
  t.match(text, /^idleTimeoutMs +75000 +default$/m);
  t.match(text, /^listener default +127\.0\.0\.1:8080 +PORT, default host unless the app/m);
});

t.test("each listener has a line", async (t) => {
  const listeners = [{ id: "web", host: "::", port: 80 }, { id: "local", path: "/run/x.sock" }];
  const text = print({ source: "flag", values: { app, listeners } });
  t.match(text, /^listener web +\[::\]:80 +--listener$/m);
  t.match(text, /^listener local +\/run\/x\.sock +--listener$/m);
});

t.test("what a listener has otherwise than the server has a line", async (t) => {
  const listeners = [{ id: "web", port: 80, idleTimeoutMs: 5000, pipelineMax: 64 }];
  const text = print({ source: "file", file: "/x.json", values: { app, listeners } });
  t.match(text, /^listener web idleTimeoutMs +5000 +\/x\.json$/m);
  t.notMatch(text, /listener web pipelineMax/);
});

t.test("the values of the workers' environment stay secret", async (t) => {
  const text = print({ source: "file", values: { app, env: { TOKEN: "hush" } } });
  t.match(text, /^env +TOKEN/m);
  t.notMatch(text, /hush/);
});
