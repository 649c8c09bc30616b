/** HAProxy in front of two instances that are restarted under load. */
import t from "tap";
import { type Front, rollingRestart } from "../support/rolling-restart.ts";

/** Longer than its checks take to find an instance out: `inter` times `fall`. */
const HAPROXY: Omit<Front, "name"> = {
  program: "haproxy", file: "haproxy.cfg", announces: true, drainDelayMs: 1500,
};

await rollingRestart(t, { ...HAPROXY, name: "PROXY v2" });
await rollingRestart(t, {
  ...HAPROXY, name: "PROXY v1", change: ["send-proxy-v2", "send-proxy"],
});
