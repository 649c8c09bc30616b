/** Tests that an app in TypeScript is served: by the runtime itself, or through a loader. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import t from "tap";
import { cleanEnv, repositoryFile } from "../support/environment.ts";

const APP = `
type Params = { id: string };
export default {
  routes: {
    "/users/:id": (request: Request & { params: Params }): Response =>
      Response.json({ id: request.params.id }),
  },
};
`;

const [major = 0] = process.versions.node.split(".").map(Number);

/** Serves the app with these options of Node.js and returns what one request is answered. */
async function answer(folder: string, nodeOptions: string): Promise<unknown> {
  const file = join(folder, "app.ts");
  writeFileSync(file, APP);
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  // Through `env`: the test runner adds a loader of its own to every Node.js that is spawned.
  const main = repositoryFile("dist/src/cli/main.js");
  const args = [`NODE_OPTIONS=${nodeOptions}`, process.execPath, main, file, "--port", "0"];
  const child = spawn("env", [...args, "--workers", "1"], { env: cleanEnv() });
  const exited = once(child, "exit");
  let printed = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (printed += text));
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /http:\/\/[^\s/]+/.exec(line);
    if (url === null) continue;
    const response = await fetch(`${url[0]}/users/7`);
    const body = await response.json();
    child.kill("SIGTERM");
    await exited;
    return body;
  }
  throw new Error(`the command ended: ${printed}`);
}

t.test("through the loader that the docs name", async (t) => {
  const loader = pathToFileURL(repositoryFile("node_modules/jiti/lib/jiti-register.mjs")).href;
  t.match(readFileSync(repositoryFile("docs/typescript-apps.md"), "utf8"), /jiti\/register/);
  t.same(await answer(t.testdir(), `--import ${loader}`), { id: "7" });
});

t.test("by a runtime that strips types", { skip: major < 22 }, async (t) => {
  t.same(await answer(t.testdir(), ""), { id: "7" });
});
