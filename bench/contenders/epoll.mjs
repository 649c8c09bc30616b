/** The yardstick: servers/epoll.c. It closes after each answer on the port above its own. */
import { existsSync } from "node:fs";
import { benchFile } from "./paths.mjs";

const binary = benchFile("bin/epoll");
/** It has no handlers, so the same work is its fixed answer. */
const SAME_WORK = { "/async": "/", "/constant": "/" };

export default {
  name: "epoll",
  title: "C, epoll (the yardstick)",
  version: () => (existsSync(binary) ? "this repository" : null),
  command: (port) => ({ file: binary, args: [String(port)] }),
  pathOf: (path) => SAME_WORK[path] ?? path,
  portOf: (scenario, port) => (scenario.load === "churn" ? port + 1 : port),
};
