/**
 * A folder of a test's own, gone with it. Its path is short, since that of a Unix socket is
 * bounded, and another call does not empty it as tap's `testdir` does.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The part of tap's test object that is used. */
export interface Owner {
  teardown(run: () => void | Promise<void>): void;
}

export function ownFolder(owner: Owner): string {
  const folder = mkdtempSync(join(tmpdir(), "millrace-"));
  owner.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
