/** What an app prints when its worker ends. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { printed } from "../../src/worker/standard-output.ts";
import { Command } from "../support/command.ts";
import { until } from "../support/deadline.ts";
import { ownFolder } from "../support/folder.ts";

const RUNS = 5;
const WORKERS = 2;
const LINES = 50;

const APP = `
  const say = (text) => { for (let i = 0; i < ${LINES}; i++) console.info(text, i, "."); };
  export default {
    fetch: () => "x",
    async close() {
      say("closing");
      await null;
      say("closed");
      console.error("closed");
    },
  };
`;

t.test("all of it arrives, in a file and in a pipe", async (t) => {
  const folder = ownFolder(t);
  const app = join(folder, "app.mjs");
  writeFileSync(app, APP);
  const args = [app, "--workers", String(WORKERS), "--port", "0"];
  for (let run = 0; run < RUNS; run++) {
    const out = join(folder, `out-${run}`);
    writeFileSync(out, "");
    const toFile = ["sh", "-c", 'exec "$0" "$@" > "$OUT"'];
    const command = new Command(t, args, run === 0 ? {} : { wrapper: toFile, env: { OUT: out } });
    if (run === 0) await command.url();
    else await until("its address", () => readFileSync(out, "utf8").includes("http://"));
    command.child.kill("SIGTERM");
    const { code, stdout, stderr } = await command.ended();
    t.equal(code, 0);
    const text = stdout + readFileSync(out, "utf8");
    t.equal(text.match(/^closing \d+ \.$/gm)?.length, WORKERS * LINES);
    t.equal(text.match(/^closed \d+ \.$/gm)?.length, WORKERS * LINES);
    t.equal(stderr.match(/^closed$/gm)?.length, WORKERS);
  }
});

t.test("where there is no thread nothing waits", async (t) => {
  process.stdout.write("# written at once\n");
  t.equal(await printed(), undefined);
});
