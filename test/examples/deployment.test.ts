/** The units and the manifest of the examples: checked, and their commands run as they are. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { askControl } from "../support/ask-control.ts";
import { Command } from "../support/command.ts";
import { until } from "../support/deadline.ts";
import { foreignEnv, repositoryFile } from "../support/environment.ts";
import { ownFolder } from "../support/folder.ts";
import { isHeard, receiveNotices, skipWithoutPython } from "../support/notify-receiver.ts";

const APP = appOf("the app");
const UNIT = readFileSync(repositoryFile("examples/systemd/millrace.service"), "utf8");
const MANIFEST = repositoryFile("examples/deploy/kubernetes.yaml");
const MILLRACE = "/srv/app/current/node_modules/.bin/millrace";

/** It answers with its name and its process. */
function appOf(name: string): string {
  return `export default { fetch: () => new Response("${name} " + process.pid) };`;
}

function isThere(program: string, ...args: string[]): boolean {
  return spawnSync(program, args, { env: foreignEnv() }).status === 0;
}

/** The words behind the command of a line of the unit. */
function wordsOf(name: string): string[] {
  const line = new RegExp(`^${name}=(.*)$`, "m").exec(UNIT.replaceAll("\\\n", " "))![1]!;
  const [command, ...words] = line.split(/\s+/);
  t.equal(command, MILLRACE);
  return words;
}

/** What the unit puts into the environment, with another folder of the app. */
function environmentOf(folder: string): Record<string, string> {
  const lines = UNIT.matchAll(/^Environment=(\w+)=(.*)$/gm);
  return Object.fromEntries(Array.from(lines, ([, name = "", value = ""]) =>
    [name, value.replace("/srv/app/current", folder)]));
}

t.test("systemd takes the units",
  { skip: !isThere("systemd-analyze", "--version") && "systemd-analyze is not installed" },
  async (t) => {
    const folder = ownFolder(t);
    const service = UNIT.replaceAll(MILLRACE, process.execPath).replace("User=app\n", "")
      .replaceAll("/srv/app/current", folder);
    const socket = readFileSync(repositoryFile("examples/systemd/millrace.socket"), "utf8");
    writeFileSync(join(folder, "millrace.service"), service);
    writeFileSync(join(folder, "millrace.socket"), socket);
    const units = ["millrace.service", "millrace.socket"].map((name) => join(folder, name));
    const run = spawnSync("systemd-analyze", ["verify", ...units], {
      env: foreignEnv(), encoding: "utf8",
    });
    t.equal(run.status, 0, run.stderr);
    t.notMatch(run.stderr, /millrace\.(?:service|socket)/, "nor does it warn of anything");
  });

t.test("the service's commands serve, are heard, and replace each other", skipWithoutPython,
  async (t) => {
    const folder = ownFolder(t);
    const control = join(folder, "control");
    for (const version of ["v1", "v2"]) {
      mkdirSync(join(folder, version));
      writeFileSync(join(folder, version, "app.mjs"), appOf(version));
    }
    const current = join(folder, "current");
    symlinkSync("v1", current);
    const own = new Map([["/run/app/control", control], ["8080", "0"], ["0.0.0.0", "127.0.0.1"]]);
    const here = (words: string[]): string[] => words.map((word) => own.get(word) ?? word);
    const socket = `@millrace-unit-${process.pid}`;
    const notices = await receiveNotices(t, socket);
    const seconds = /^WatchdogSec=(\d+)$/m.exec(UNIT)![1]!;
    // All that systemd tells of the folder is what the unit does.
    const env = {
      PWD: undefined, ...environmentOf(current),
      NOTIFY_SOCKET: socket, WATCHDOG_USEC: `${seconds}000000`,
    };
    const service = new Command(t, here(wordsOf("ExecStart")), { cwd: current, env });
    const url = await service.url();
    await until("READY", () => isHeard(notices, "READY=1"));
    t.equal(await (await fetch(url)).text(), `v1 ${service.child.pid}`);
    t.equal((await askControl(control, "POST /reload")).status, 200);
    const told = (): (string | undefined)[] =>
      notices.map(({ lines }) => lines[0]).filter((line) => line !== "WATCHDOG=1");
    await until("the end of the reload", () => told().length === 3);
    t.strictSame(told(), ["READY=1", "RELOADING=1", "READY=1"]);
    t.match(notices.find(({ lines }) => lines[0] === "RELOADING=1")!.lines[1], /^MONOTONIC_USEC=/);
    rmSync(current);
    symlinkSync("v2", current);
    const reload = new Command(t, here(wordsOf("ExecReload")), { cwd: current, env });
    t.equal((await reload.ended()).code, 0);
    const { pid } = (await askControl(control, "GET /status")).value as { pid: number };
    t.teardown(() => process.kill(pid, "SIGKILL"));
    t.not(pid, service.child.pid);
    t.ok(isHeard(notices, `MAINPID=${pid}`));
    // Its output is the new one's too, and stays open.
    await until("the old one's end", () => service.child.exitCode === 0);
    t.equal(await (await fetch(url)).text(), `v2 ${pid}`, "the new version on the same port");
  });

const READ_YAML = "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(sys.stdin))))";

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

interface Deployment {
  readonly kind: string;
  readonly spec: {
    readonly selector: { readonly matchLabels: object };
    readonly template: {
      readonly metadata: { readonly labels: object };
      readonly spec: {
        readonly terminationGracePeriodSeconds: number;
        readonly containers: readonly [{
          readonly command: string[];
          readonly args: string[];
          readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
          readonly lifecycle: {
            readonly preStop: { readonly exec: { readonly command: string[] } };
          };
          readonly startupProbe: Probe;
          readonly readinessProbe: Probe;
          readonly livenessProbe: Probe;
        }];
      };
    };
  };
}

t.test("the pod of the manifest starts, answers its probes and drains",
  { skip: !isThere("python3", "-c", "import yaml") && "python3 has no yaml" }, async (t) => {
    const parsed = spawnSync("python3", ["-c", READ_YAML], {
      env: foreignEnv(), encoding: "utf8", input: readFileSync(MANIFEST, "utf8"),
    });
    const [deployment, service] = JSON.parse(parsed.stdout) as [
      Deployment, { spec: { selector: object; ports: { targetPort: string }[] } },
    ];
    const { selector, template } = deployment.spec;
    t.strictSame(template.metadata.labels, selector.matchLabels);
    t.strictSame(service.spec.selector, template.metadata.labels);
    const [pod] = template.spec.containers;
    const ports = new Map(pod.ports.map(({ name, containerPort }) => [name, containerPort]));
    t.ok(ports.has(service.spec.ports[0]!.targetPort));
    const valueOf = (flag: string): number =>
      Number(pod.args.find((each) => each.startsWith(flag))!.slice(flag.length));
    const drain = valueOf("--drain-delay-ms=") + valueOf("--deadline-ms=");
    t.ok(drain < template.spec.terminationGracePeriodSeconds * 1000, "it is not killed before");

    const folder = ownFolder(t);
    writeFileSync(join(folder, "app.mjs"), APP);
    const control = join(folder, "control");
    const here = (words: readonly string[]): string[] => words.map((word) => word
      .replace("/tmp/millrace.sock", control).replace(/0\.0\.0\.0:\d+/, "127.0.0.1:0")
      .replace("--drain-delay-ms=5000", "--drain-delay-ms=50"));
    const main = "node_modules/millrace/dist/src/cli/main.js";
    const { exec } = pod.lifecycle.preStop;
    t.strictSame([...pod.command.slice(0, 2), ...exec.command.slice(0, 2)], [
      "node", main, "node", main,
    ]);
    const server = new Command(t, here([...pod.command.slice(2), ...pod.args]), { cwd: folder });
    await server.url();
    const { value } = await askControl(control, "GET /listeners");
    const listeners = (value as { listeners?: unknown }).listeners ?? value;
    const found = listeners as readonly { id: string; url: string }[];
    const urls = new Map(found.map(({ id, url }) => [id, url]));
    for (const { httpGet } of [pod.startupProbe, pod.readinessProbe, pod.livenessProbe]) {
      const answer = await fetch(new URL(httpGet.path, urls.get(httpGet.port)));
      t.strictSame([answer.status, ports.has(httpGet.port)], [200, true], httpGet.path);
      await answer.text();
    }
    const stop = new Command(t, here(exec.command.slice(2)), { cwd: folder });
    t.equal((await stop.ended()).code, 0);
    t.equal((await server.ended()).code, 0);
  });
