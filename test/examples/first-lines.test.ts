/** The first lines of each example: how to start it, and what to ask it on the default port. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { repositoryFile } from "../support/environment.ts";

const LINES = 16;
/** Those that are no app, and how they are started. */
const STARTS: Readonly<Record<string, string>> = {
  "json-api-test.mjs": "node --test examples/json-api-test.mjs",
  "tracing.mjs": "npx millrace examples/hello.mjs",
};

t.test("each says how it is started, and asks the port that is the default", (t) => {
  const folder = repositoryFile("examples");
  const names = readdirSync(folder).filter((name) => name.endsWith(".mjs"));
  t.ok(names.length > 15);
  for (const name of [...names, "chat/app.mjs"]) {
    const text = readFileSync(join(folder, name), "utf8").split("\n").slice(0, LINES).join("\n");
    t.ok(text.includes(STARTS[name] ?? `npx millrace examples/${name}`), name);
    const addresses = text.match(/(?:127\.0\.0\.1|localhost)[: ]\S*/g) ?? [];
    const asked = addresses.filter((address) => !/^127\.0\.0\.1[: ](?:3000\b|6379)/.test(address));
    t.strictSame(asked, [], name);
  }
  t.end();
});
