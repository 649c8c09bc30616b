/** An app that comes in versions: its file is written anew, and its answers say which one it is. */
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ServeOptions } from "../../src/options.ts";
import { repositoryFile } from "./environment.ts";
import { ownFolder } from "./folder.ts";
import type { Owner } from "./folder.ts";
import { Gate } from "./gate.ts";
import { startServer } from "./server.ts";
import type { TestServer } from "./server.ts";

const GATE = repositoryFile("dist/test/support/gate.js");

/** The source of a version; `extra` is code of the module's top level. */
export function versionSource(version: string, extra: string = "", members: string = ""): string {
  return `import { Gate } from ${JSON.stringify(GATE)};
import { appendFileSync } from "node:fs";
import { threadId } from "node:worker_threads";
const gate = (context) => new Gate(context.listener.data);
const note = (line) => appendFileSync(new URL("./notes", import.meta.url), line + "\\n");
${extra}
export default {
  routes: {
    "/": () => new Response("${version}"),
    "/thread": () => new Response(String(threadId)),
    "/die": () => process.exit(3),
    "/id": (request, context) => new Response(context.connection.id),
    "/wait": async (request, context) => {
      await gate(context).pass();
      return new Response("${version}");
    },
    "/block": (request, context) => {
      gate(context).passBlocking();
      return new Response("${version}");
    },
    "/state": (request, context) => {
      context.connection.state.version = "${version}";
      return new Response("${version}");
    },
    "/after": (request, context) => {
      context.waitUntil(gate(context).pass().then(() => note("after ${version}")));
      return new Response("${version}");
    },
    "/reload": async (request, context) => Response.json(await context.server.reload()),
    "/scale/:n": async (request, context) => {
      await context.server.scale(Number(request.params.n));
      return new Response("${version}");
    },
  },
  close() {
    note("close ${version}");
  },
  ${members}
};
`;
}

export interface VersionedServer extends TestServer {
  readonly gate: Gate;
  readonly folder: string;
  /** The app's file. */
  readonly file: string;
  /** Puts a source in the place of the app's, in one step. */
  write(source: string): void;
}

export async function startVersions(
  owner: Owner,
  options: Omit<ServeOptions, "app"> = {},
): Promise<VersionedServer> {
  const gate = new Gate();
  owner.teardown(() => gate.open());
  const folder = ownFolder(owner);
  const file = join(folder, "app.mjs");
  const write = (source: string): void => {
    writeFileSync(`${file}.new`, source);
    renameSync(`${file}.new`, file);
  };
  writeFileSync(join(folder, "notes"), "");
  write(versionSource("v1"));
  const data = gate.buffer;
  const started = await startServer(owner, {
    app: file,
    listeners: [{ host: "127.0.0.1", port: 0, data }],
    drainQuietMs: 100,
    ...options,
  });
  return { ...started, gate, folder, file, write };
}
