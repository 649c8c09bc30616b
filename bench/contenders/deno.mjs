/** Deno.serve. The package is the one that carries the binary for this platform, as Bun's is. */
import { join } from "node:path";
import { benchFile, packageFile, packageVersion } from "./paths.mjs";

const binary = packageFile("@deno/linux-x64-glibc/deno");

export default {
  name: "deno",
  title: "Deno.serve",
  version: () => packageVersion("@deno/linux-x64-glibc"),
  command: (port, directory) => ({
    file: binary,
    args: ["run", "--allow-net", "--no-lock", "--no-config", benchFile("apps/deno.mjs"), `${port}`],
    env: { DENO_DIR: join(directory, "deno"), DENO_NO_UPDATE_CHECK: "1" },
  }),
  scenarios: "hello headers json param echo async pipelined stream churn idle".split(" "),
};
