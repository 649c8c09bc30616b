/** Starts a server of the upgrade app, and switches connections over. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ServeOptions } from "../../src/options.ts";
import { cleanEnv, repositoryFile } from "./environment.ts";
import { until } from "./deadline.ts";
import { ownFolder } from "./folder.ts";
import type { Owner } from "./folder.ts";
import { Gate } from "./gate.ts";
import { connectRaw } from "./raw-client.ts";
import type { RawClient } from "./raw-client.ts";
import { startServer } from "./server.ts";
import type { TestServer } from "./server.ts";

const APP = repositoryFile("dist/test/support/upgrade-app.js");

export interface UpgradeServer extends TestServer {
  readonly gate: Gate;
  /** What the app has noted. */
  notes(): string[];
  /** Resolves when the app has noted this line so often. */
  noted(line: string, count?: number): Promise<void>;
  connectTo(id: string): Promise<RawClient>;
  /** A connection whose socket the handler of that name has. */
  open(name: string, listener?: string): Promise<RawClient>;
}

export interface UpgradeServerOptions extends Omit<ServeOptions, "app"> {
  readonly ids?: readonly string[];
}

/** The head of a request that asks for a switch; what follows may be put behind it. */
export function ask(path: string, fields: string = "", protocol: string = "echo"): string {
  return `GET ${path} HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\n` +
    `Upgrade: ${protocol}\r\n${fields}\r\n`;
}

export async function startUpgrades(
  owner: Owner,
  options: UpgradeServerOptions = {},
): Promise<UpgradeServer> {
  const { ids = ["web"], ...rest } = options;
  const gate = new Gate();
  owner.teardown(() => gate.open());
  const file = join(ownFolder(owner), "log");
  writeFileSync(file, "");
  const started = await startServer(owner, {
    app: APP,
    listeners: ids.map((id) => ({ id, host: "127.0.0.1", port: 0, data: gate.buffer })),
    env: cleanEnv({ NODE_OPTIONS: "", UPGRADE_LOG: file }),
    drainQuietMs: 50,
    ...rest,
  });
  const notes = (): string[] => (
    readFileSync(file, "utf8").split("\n").filter((line) => line !== "")
  );
  const connectTo = async (id: string): Promise<RawClient> => {
    const found = started.server.listeners.find((each) => each.id === id);
    const client = await connectRaw({ host: found?.host, port: found?.port, path: found?.path });
    owner.teardown(() => client.close());
    return client;
  };
  return {
    ...started,
    gate,
    notes,
    noted: (line, count = 1) => until(`${count} times "${line}"`, () => (
      notes().filter((each) => each === line).length >= count
    )),
    connectTo,
    async open(name, listener = ids[0]!) {
      const client = await connectTo(listener);
      client.write(ask(`/up/${name}`));
      await switched(client);
      return client;
    },
  };
}

/** The head that the connection is switched with. */
export async function switched(client: RawClient): Promise<string> {
  const head = await client.readUntil("\r\n\r\n");
  if (!head.startsWith("HTTP/1.1 101 ")) throw new Error(`not switched: ${head}`);
  return head;
}
