/** nginx in front of two instances that are restarted under load. */
import t from "tap";
import { type Front, rollingRestart } from "../support/rolling-restart.ts";

/** It does not ask for readiness: nothing is waited for. */
const NGINX: Omit<Front, "name" | "file" | "announces"> = { program: "nginx", drainDelayMs: 0 };

await rollingRestart(t, {
  ...NGINX, name: "kept connections", file: "nginx.conf", announces: false,
});
await rollingRestart(t, {
  ...NGINX, name: "PROXY v1", file: "nginx-stream.conf", announces: true,
});
