/**
 * Bun.serve. The package is the one that carries the binary for this platform: `bun` itself only
 * puts it in place with an install script, and none is run here.
 */
import { benchFile, packageFile, packageVersion } from "./paths.mjs";

const binary = packageFile("@oven/bun-linux-x64/bin/bun");

export default {
  name: "bun",
  title: "Bun.serve",
  version: () => packageVersion("@oven/bun-linux-x64"),
  command: (port) => ({ file: binary, args: [benchFile("apps/bun.mjs"), String(port)] }),
};
