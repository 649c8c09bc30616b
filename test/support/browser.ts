/** A real browser for one test: the system's Chromium, without a window. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import type { Page } from "playwright-core";
import { foreignEnv, sanitized } from "./environment.ts";
import { ownFolder } from "./folder.ts";
import type { Owner } from "./folder.ts";

const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

/** It asks nobody but the test's server, so that a closed network does not disturb it. */
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];

/** What a test passes as its `skip` where there is no browser. */
export const skipBrowserless: { skip: string | false } = {
  skip: sanitized
    ? "sanitizers are for the server alone"
    : !existsSync(CHROMIUM) && `${CHROMIUM} is not installed`,
};

export async function openPage(owner: Owner): Promise<Page> {
  const context = await chromium.launchPersistentContext(join(ownFolder(owner), "profile"), {
    executablePath: CHROMIUM,
    args: FLAGS,
    headless: true,
    env: foreignEnv(),
  });
  owner.teardown(async () => await context.close());
  return await context.newPage();
}
