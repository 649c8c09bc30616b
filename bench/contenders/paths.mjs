/** Where the contenders find their files. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);

/** A file of bench/. */
export const benchFile = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));

/** A file of the repository. */
export const rootFile = (name) => fileURLToPath(new URL(`../../${name}`, import.meta.url));

/** A file inside an installed package, or null. */
export function packageFile(name) {
  try {
    return require.resolve(name);
  } catch {
    return null;
  }
}

export function packageVersion(name) {
  const file = benchFile(`node_modules/${name}/package.json`);
  try {
    return JSON.parse(readFileSync(file, "utf8")).version;
  } catch {
    return null;
  }
}
