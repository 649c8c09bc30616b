/** The version of the package, read from its package.json. Any thread. */
import { createRequire } from "node:module";

export function packageVersion(): string {
  // By name, since the way to package.json differs between src/ and dist/src/.
  const { version } = createRequire(import.meta.url)("millrace/package.json") as {
    version: string;
  };
  return version;
}
