/** Node's own server. */
import { benchFile } from "./paths.mjs";

export default {
  name: "node-http",
  title: "node:http",
  version: () => process.version,
  command: (port) => ({
    file: process.execPath,
    args: [benchFile("apps/node-http.mjs"), String(port)],
  }),
  scenarios:
    "hello headers json param echo async pipelined stream upload download compressed churn idle"
      .split(" "),
};
