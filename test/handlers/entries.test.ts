/**
 * What is loaded by whom: nothing of the toolbox by the package itself, also while it serves, and
 * by an entry only what it is made of.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import t from "tap";
import { cleanEnv, repositoryFile } from "../support/environment.ts";
import { ownFolder, type Owner } from "../support/folder.ts";

/** Tells who imports which module, in whichever thread. */
const TRACE = `
  import { writeSync } from "node:fs";
  export async function resolve(specifier, context, nextResolve) {
    const found = await nextResolve(specifier, context);
    writeSync(2, "import " + context.parentURL + " " + found.url + "\\n");
    return found;
  }
`;

type Imports = ReadonlyMap<string, ReadonlySet<string>>;

/** What the code imports, by importer: paths below dist/src, and packages by their name. */
function importsOf(owner: Owner, code: string): Imports {
  const folder = ownFolder(owner);
  const hooks = join(folder, "trace.mjs");
  writeFileSync(hooks, TRACE);
  const register = `import { register } from "node:module";
    register(${JSON.stringify(pathToFileURL(hooks).href)});`;
  const flag = `data:text/javascript,${encodeURIComponent(register)}`;
  const script = join(folder, "script.mjs");
  writeFileSync(script, code);
  writeFileSync(join(folder, "app.mjs"), `export default {
    routes: { "/a": (request) => Response.json(request.cookies.size) },
  };`);
  const { stderr, status } = spawnSync(
    process.execPath, ["--import", flag, script], { env: cleanEnv(), encoding: "utf8" },
  );
  t.equal(status, 0, stderr.slice(-1000));
  const imports = new Map<string, Set<string>>();
  for (const [, parent = "", url = ""] of stderr.matchAll(/^import (\S+) (\S+)$/gm)) {
    const from = nameOf(parent);
    if (!imports.has(from)) imports.set(from, new Set());
    imports.get(from)!.add(nameOf(url));
  }
  return imports;
}

function nameOf(url: string): string {
  return /\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ??
    /\/dist\/src\/(.*)$/.exec(url)?.[1] ?? url;
}

/** The module and all that it brings along. */
function closureOf(imports: Imports, from: string, found = new Set<string>()): Set<string> {
  if (found.has(from)) return found;
  found.add(from);
  for (const each of imports.get(from) ?? []) closureOf(imports, each, found);
  return found;
}

function urlOf(file: string): string {
  return JSON.stringify(pathToFileURL(repositoryFile(`dist/src/${file}`)).href);
}

/** The entries of the toolbox, and the file of each. */
function entries(): Map<string, string> {
  const { exports } = JSON.parse(readFileSync(repositoryFile("package.json"), "utf8")) as {
    exports: Record<string, { default: string }>;
  };
  const found = new Map<string, string>();
  for (const [name, { default: file }] of Object.entries(exports)) {
    if (/\/(?:handlers|brokers)\//.test(file ?? "")) {
      found.set(name.slice(2), file.replace("./dist/src/", ""));
    }
  }
  return found;
}

/** Packages that serve the toolbox alone. */
const PACKAGES = [
  "@fastify/busboy", "apache-md5", "bcryptjs", "content-disposition", "ioredis", "jose", "ldapts",
];

/** What an entry carries of others, or is made of. */
const CARRIED: Readonly<Record<string, readonly string[]>> = {
  "authentication": ["address-authentication", "basic-authentication", "bearer-authentication"],
  "fields": ["cookies"],
  "form-login": [
    "authentication", "address-authentication", "basic-authentication", "bearer-authentication",
  ],
  "sessions": [
    "form-login", "authentication", "address-authentication", "basic-authentication",
    "bearer-authentication",
  ],
};

t.test("a server loads nothing of the toolbox", (t) => {
  const imports = importsOf(t, `
    import { serve } from ${urlOf("index.js")};
    const app = new URL("app.mjs", import.meta.url);
    const server = await serve({ app, workers: 1, port: 0, logLevel: "silent" });
    await (await fetch(new URL("/a", server.url))).text();
    await server.close();
  `);
  const loaded = new Set<string>();
  for (const each of imports.values()) for (const name of each) loaded.add(name);
  t.ok(loaded.has("worker/engine.js"), "what the worker loads is seen");
  for (const file of loaded) t.notMatch(file, /^(?:handlers|brokers|create-fetch)\b/);
  for (const name of PACKAGES) t.notOk(loaded.has(name), name);
  t.end();
});

t.test("an entry loads no other, but for what it is made of", (t) => {
  const all = entries();
  t.ok(all.size > 20);
  const code = [...all.values()].map((file) => `import ${urlOf(file)};`);
  const imports = importsOf(t, code.join("\n"));
  const packages = new Set<string>();
  for (const [name, file] of all) {
    const loaded = closureOf(imports, file);
    t.notOk(loaded.has("index.js"), `${name} loads no server`);
    const others = [...all].filter(([other, its]) => other !== name && loaded.has(its));
    t.strictSame(others.map(([other]) => other).sort(), [...(CARRIED[name] ?? [])].sort(), name);
    for (const each of loaded) packages.add(each);
  }
  for (const name of PACKAGES) t.ok(packages.has(name), `${name} is seen where it is loaded`);
  t.end();
});
