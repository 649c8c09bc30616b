/**
 * The addon's calls with whatever JavaScript can give them: each answers or throws, and the
 * process lives. In a process of its own, since what this looks for would end it.
 */
import { spawnSync } from "node:child_process";
import t from "tap";
import { cleanEnv, repositoryFile } from "../support/environment.ts";

const CALLS = 15_000;

/** `seed` makes a run repeatable: a failure prints the call that was made last. */
const SOURCE = `
import { writeSync } from "node:fs";
import { loadNative } from ${JSON.stringify(repositoryFile("dist/src/native.js"))};
const native = loadNative();
let state = Number(process.argv[1]);
const random = (below) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor(state / 2 ** 32 * below);
};
const limits = { headBytesMax: 16384, headersMax: 100, targetBytesMax: 8192, pipelineMax: 64,
  outputBytesMax: 65536, outputHardBytesMax: 1 << 20, declaredBodyBytesMax: 0,
  headTimeoutMs: 1000, bodyTimeoutMs: 1000, idleTimeoutMs: 1000, handlerTimeoutMs: 0,
  writeTimeoutMs: 1000, announceKeepAlive: false, defaultLines: Buffer.alloc(0) };
const options = { drainQuietMs: 1, tellsDone: false, reportsRefusals: true };
const serverOptions = { stuckMs: 250, balance: 0, connectionsMax: 0, connectionsPerAddressMax: 0 };
const server = native.createServer(serverOptions);
const slot = native.addWorker(server.handle, 0);
const engine = native.createEngine(server.id, slot, options, () => {});
const other = native.addWorker(server.handle, 0);
const closed = native.createEngine(server.id, other, options, () => {});
native.engineClose(closed.handle);
const bind = { host: "127.0.0.1", port: 0 };
const listener = native.listen(server.handle, 0, bind, 16, () => {});
const ended = native.listen(server.handle, 1, bind, 16, () => {});
native.closeListener(ended.handle, false);
const slab = Buffer.alloc(native.engineListener(engine.handle, 0, limits));
native.engineSlab(engine.handle, slab);
const detached = Buffer.from(new ArrayBuffer(8));
structuredClone(detached.buffer, { transfer: [detached.buffer] });
const odd = new Proxy({}, { get() { throw new Error("trap"); } });
const values = [
  undefined, null, true, false, 0, -0, 1, -1, 2, 127, 128, 255, 256, 65536, 2 ** 31, -(2 ** 31),
  2 ** 32, 2 ** 53, 1e300, NaN, Infinity, -Infinity, 0.5, 7n, "", "text", "x".repeat(70000),
  "127.0.0.1", Symbol("s"), {}, [], [1, {}, null], () => {}, function () {}, class {}, odd,
  new Date(), Buffer.alloc(0), Buffer.alloc(9), detached, slab, new Float64Array(0),
  new Float64Array(2), new Float64Array(400), new Int32Array(9), new DataView(new ArrayBuffer(8)),
  new SharedArrayBuffer(8), engine.events, engine.control, server.handle, engine.handle,
  closed.handle, listener.handle, ended.handle, native.makeTrust({}), options, limits, {},
  { ...limits, headBytesMax: 1e9 }, { ...limits, defaultLines: odd }, bind,
  { path: "" }, { path: "y".repeat(300) }, { host: odd }, server.id,
];
// Those that change this thread, the process or its files are called with wrong values only.
const EFFECTS = new Set(["nameThread", "yieldThread", "startAccessLog", "replaceDescriptor"]);
const names = Object.keys(native).filter((name) => typeof native[name] === "function");
let threw = 0, answered = 0;
for (let i = 0; i < ${CALLS}; i++) {
  const name = names[random(names.length)];
  if (EFFECTS.has(name)) continue;
  const indices = Array.from({ length: random(7) }, () => random(values.length));
  if (process.argv[2] === "show") writeSync(2, name + " " + indices.join() + "\\n");
  try {
    native[name](...indices.map((index) => values[index]));
    answered++;
  } catch (error) {
    threw++;
    const isOurs = error.code === "ERR_MILLRACE_NATIVE_ARGUMENT" && error instanceof TypeError;
    if (!isOurs && error.message !== "trap") throw error;
  }
}
for (const name of EFFECTS) {
  if (name === "yieldThread") continue;
  try { native[name](odd, odd); } catch { threw++; }
}
process.stdout.write(JSON.stringify({ names: names.length, threw, answered }));
process.exit(0);
`;

t.test("wrong arguments throw, and no call ends the process", async (t) => {
  for (const seed of [1, 2, 3]) {
    const args = ["--input-type=module", "--eval", SOURCE, String(seed)];
    const run = spawnSync(process.execPath, args, { env: cleanEnv(), encoding: "utf8" });
    t.equal(run.signal, null, `seed ${seed}: ${run.stderr.slice(-600)}`);
    t.equal(run.status, 0, run.stderr.slice(-600));
    if (run.status !== 0) continue;
    const { names, threw, answered } =
      JSON.parse(run.stdout) as { names: number; threw: number; answered: number };
    t.ok(names >= 20);
    t.ok(threw > CALLS / 2, `${threw} threw`);
    t.ok(answered > 50, `${answered} answered`);
  }
});
