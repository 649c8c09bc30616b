/** Fastify, the fastest of the widely used frameworks on node:http. */
import { benchFile, packageVersion } from "./paths.mjs";

export default {
  name: "fastify",
  title: "Fastify",
  version: () => packageVersion("fastify"),
  command: (port) => ({
    file: process.execPath,
    args: [benchFile("apps/fastify.mjs"), String(port)],
  }),
  scenarios: "hello headers json param echo async pipelined stream churn idle".split(" "),
};
