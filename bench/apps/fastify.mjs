/** The benchmark's app for Fastify. */
import fastify from "fastify";
import { Readable } from "node:stream";
import { chunks } from "./chunks.mjs";

const app = fastify({ logger: false, keepAliveTimeout: 75_000 });

app.get("/", (_request, reply) => reply.send("Hello, World!"));
app.get("/json", (_request, reply) => reply.send({ message: "Hello, World!" }));
app.get("/users/:id", (request, reply) => reply.type("text/plain").send(request.params.id));
app.post("/echo", (request, reply) => reply.send(request.body));
app.get("/async", async () => {
  await Promise.resolve();
  return "Hello, World!";
});
app.get("/stream", (_request, reply) =>
  reply.type("application/octet-stream").send(Readable.from(chunks())),
);

await app.listen({ host: "127.0.0.1", port: Number(process.argv[2]), backlog: 4096 });
