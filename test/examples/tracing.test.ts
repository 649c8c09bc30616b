/** Test of the example tracer, loaded into an app that knows nothing of it. */
import t from "tap";
import { Command } from "../support/command.ts";
import { repositoryFile } from "../support/environment.ts";

t.test("each run of a handler is a span, in every worker", async (t) => {
  const args = [repositoryFile("examples/json-api.mjs"), "--port", "0", "--workers", "2"];
  const NODE_OPTIONS = `--import ${repositoryFile("examples/tracing.mjs")}`;
  const command = new Command(t, args, { env: { NODE_OPTIONS } });
  const url = await command.url();
  const spans = async (count: number): Promise<unknown[]> => {
    const [text] = await command.prints(new RegExp(`(?:^\\{"name".*\\n){${count}}`, "m"));
    return text.trim().split("\n").map((line) => JSON.parse(line) as unknown);
  };
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  await (await fetch(`${url}/notes/1`, { headers: { traceparent } })).text();
  t.match(await spans(1), [{
    name: "GET /notes/:id",
    traceId: "0af7651916cd43dd8448eb211c80319c",
    parentId: "b7ad6b7169203331",
    requestId: /^[0-9a-f]{16}(?:-[0-9a-f]+){3}$/,
    status: 200,
    milliseconds: /^\d/,
  }]);
  await (await fetch(`${url}/notes/1`, { method: "PUT", body: "{" })).text();
  t.match((await spans(2))[1], {
    name: "PUT /notes/:id",
    traceId: /^[0-9a-f]{32}$/,
    status: 500,
    error: /JSON/,
  });
});
