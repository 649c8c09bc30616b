/** servers/broadcast.c: what one send() for each subscriber costs, whoever makes it. */
import { existsSync } from "node:fs";
import { benchFile } from "./paths.mjs";

const binary = benchFile("bin/broadcast");

export default {
  name: "broadcast",
  title: "C, one send() for each",
  version: () => (existsSync(binary) ? "this repository" : null),
  command: (port) => ({ file: binary, args: [String(port)] }),
  scenarios: ["ws-broadcast"],
};
