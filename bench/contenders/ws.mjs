/** The package ws on Node's own server. */
import { benchFile, packageVersion } from "./paths.mjs";

export default {
  name: "ws",
  title: "ws on node:http",
  version: () => packageVersion("ws"),
  command: (port) => ({ file: process.execPath, args: [benchFile("apps/ws.mjs"), String(port)] }),
  scenarios: ["ws-echo", "ws-broadcast"],
};
