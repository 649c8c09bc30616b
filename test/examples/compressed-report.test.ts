/** Test of the example of compression, trailers and early hints, run by the command. */
import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import t from "tap";
import { Command } from "../support/command.ts";
import { repositoryFile } from "../support/environment.ts";
import { connectRaw } from "../support/raw-client.ts";

t.test("a report is compressed, and its sum comes behind it", async (t) => {
  const args = [
    repositoryFile("examples/compressed-report.mjs"), "--port", "0", "--workers", "1",
    "--config", repositoryFile("examples/compressed-report.config.json"),
  ];
  const command = new Command(t, args, { env: { ROWS: "2000" } });
  const url = new URL(await command.url());
  const client = await connectRaw({ host: url.hostname, port: Number(url.port) });
  t.teardown(() => client.close());
  const answer = await client.request(
    "GET /report HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n",
  );
  t.equal(answer.header("content-encoding"), "gzip");
  t.equal(answer.header("x-content-type-options"), "nosniff");
  const report = gunzipSync(answer.bodyBytes).toString();
  t.match(report, /^row,square\n1,1\n2,4\n/);
  t.ok(answer.bodyBytes.length < report.length / 2);
  const sum = createHash("sha256").update(report).digest("hex");
  t.strictSame(answer.trailers, [["x-sha256", sum]]);

  client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  t.match(await client.readUntil("\r\n\r\n"), /^HTTP\/1.1 103 Early Hints\r\nlink: <\/report>/);
  t.match((await client.response()).body, /the report/);
});
