/** Tests of what the command hands to serve(); the command as a whole is tested in main. */
import t from "tap";
import { explicitOptions } from "../../src/cli/run.ts";
import { resolveLayers, resolveOptions, withAppDefaults } from "../../src/options.ts";
import { repositoryFile } from "../support/environment.ts";

const app = repositoryFile("examples/hello.mjs");
const { signal } = new AbortController();

t.test("only what a layer gave is handed on", async (t) => {
  const options = resolveLayers([
    { source: "flag", values: { app, workers: 3, port: 8080 } },
    { source: "file", values: { stuckMs: 100 } },
  ]);
  const { app: href, ...explicit } = explicitOptions(options, signal);
  t.match(href, /^file:.*hello\.mjs$/);
  t.strictSame(explicit, {
    workers: 3, stuckMs: 100, signals: false, signal, notify: true,
    listeners: [{
      id: "default", name: "default", port: 8080, backlog: 511, reopenMax: 5,
      autoStart: true, accessLog: true, data: undefined,
    }],
  });
});

t.test("a listener hands on what it has otherwise than the server", async (t) => {
  const listeners = [{ port: 1, idleTimeoutMs: 7, headBytesMax: 1000 }];
  const values = { app, idleTimeoutMs: 5, pipelineMax: 3, listeners };
  const resolved = resolveLayers([{ source: "file", values }]);
  const explicit = explicitOptions(resolved, signal);
  t.match(explicit, { idleTimeoutMs: 5, pipelineMax: 3 });
  t.match(explicit.listeners, [{ idleTimeoutMs: 7, headBytesMax: 1000, targetBytesMax: 1000 }]);
  t.notOk("pipelineMax" in explicit.listeners![0]!);
  t.strictSame(resolveOptions(explicit, {}).listeners, resolved.listeners);
});

t.test("serve() comes to the same options, and the app's address still counts", async (t) => {
  const layers = [{ source: "flag", values: { app, port: 8080 } } as const];
  const again = resolveOptions(explicitOptions(resolveLayers(layers), signal), { PORT: "9" });
  t.strictSame(again.listeners, resolveLayers(layers).listeners);
  const own = withAppDefaults(again, { hostname: "0.0.0.0", port: 1 });
  t.match(own.listeners, [{ host: "0.0.0.0", port: 8080 }]);
});

t.test("the file's own signal still closes the server", async (t) => {
  const controller = new AbortController();
  const values = { app, signal: controller.signal, signals: true };
  const explicit = explicitOptions(resolveLayers([{ source: "file", values }]), signal);
  t.equal(explicit.signals, false);
  t.equal(explicit.signal?.aborted, false);
  controller.abort();
  t.equal(explicit.signal?.aborted, true);
});
