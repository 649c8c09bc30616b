/** Node's own sockets, in a worker thread as Millrace's handlers are. */
import { benchFile } from "./paths.mjs";

export default {
  name: "node-net",
  title: "node:net in a worker thread",
  version: () => process.version,
  command: (port) => ({
    file: process.execPath,
    args: [benchFile("apps/node-net.mjs"), String(port)],
  }),
  scenarios: ["raw-echo"],
};
