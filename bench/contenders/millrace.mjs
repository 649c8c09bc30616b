/** Millrace, as a user starts it: one worker thread, the compiled command line. */
import { existsSync, readFileSync } from "node:fs";
import { benchFile, rootFile } from "./paths.mjs";

const cli = rootFile("dist/src/cli/main.js");

export default {
  name: "millrace",
  title: "Millrace",
  version() {
    if (!existsSync(cli)) return null;
    return JSON.parse(readFileSync(rootFile("package.json"), "utf8")).version;
  },
  command: (port, directory, scenario) => ({
    file: process.execPath,
    args: [
      cli, "serve", benchFile("apps/millrace.mjs"), "--workers", "1", "--port", String(port),
      // Off where it is not what is measured.
      ...(scenario?.expect?.coding ? ["--config", benchFile("apps/compression.json")] : []),
    ],
  }),
};
