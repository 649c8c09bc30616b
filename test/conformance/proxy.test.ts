/** `return fetch(upstream, request)` in a worker is a proxy, in both directions. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync, gzipSync } from "node:zlib";
import t from "tap";
import type { Owner } from "../support/folder.ts";
import { startApp } from "../support/server.ts";

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  const { method, url, headers } = request;
  response.setHeader("x-upstream", "1");
  response.setHeader("set-cookie", ["a=1", "b=2"]);
  if (url === "/gzip") {
    response.setHeader("content-encoding", "gzip");
    response.end(gzipSync("zipped ".repeat(1000)));
  } else if (url === "/echo") {
    response.end(body);
  } else if (url === "/none") {
    response.writeHead(204).end();
  } else {
    response.statusCode = 203;
    response.end(JSON.stringify({ method, url, headers, body: String(body) }));
  }
}

/** A server of Node's own that shows what it was sent. */
async function startUpstream(owner: Owner): Promise<string> {
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  owner.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const source = (upstream: string): string => `
  export default {
    routes: {
      "/-/kinds": async () => {
        const answer = await fetch(${JSON.stringify(upstream)} + "/x");
        return Response.json({
          response: answer instanceof Response, status: answer.status,
          request: new Request("http://a.test/") instanceof Request,
          text: (await answer.text()).length > 0,
        });
      },
      "/-/copy": async () => {
        const answer = await fetch(${JSON.stringify(upstream)} + "/gzip");
        return new Response(answer.body, answer);
      },
    },
    fetch(request) {
      const { pathname, search } = new URL(request.url);
      return fetch(${JSON.stringify(upstream)} + pathname + search, request);
    },
  };
`;

t.test("a proxy", async (t) => {
  const upstream = await startUpstream(t);
  const { url, connect } = await startApp(t, source(upstream));
  const answer = await fetch(`${url}/path?q=1`, { headers: { "x-own": "yes" } });
  t.equal(answer.status, 203);
  t.equal(answer.headers.get("x-upstream"), "1");
  t.strictSame(answer.headers.getSetCookie(), ["a=1", "b=2"]);
  const seen = await answer.json() as { url: string; headers: Record<string, string> };
  t.equal(seen.url, "/path?q=1");
  t.equal(seen.headers["x-own"], "yes");
  t.equal(seen.headers["host"], upstream.slice(7), "the host is upstream's");
  const client = await connect();
  const head = await client.request("HEAD /gzip HTTP/1.1\r\nHost: a.test\r\n\r\n");
  t.equal(head.status, 200);
  const none = await client.request("GET /none HTTP/1.1\r\nHost: a.test\r\n\r\n");
  t.equal(none.status, 204);
});

t.test("bodies in both directions, small, large and chunked", async (t) => {
  const { url, connect } = await startApp(t, source(await startUpstream(t)));
  for (const length of [0, 3, 5000, 3_000_000]) {
    const body = Buffer.alloc(length, "body ");
    const answer = await fetch(`${url}/echo`, { method: "POST", body });
    t.ok(Buffer.from(await answer.arrayBuffer()).equals(body), `${length}`);
  }
  const client = await connect();
  const head = "PUT /echo HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n";
  client.write(`${head}3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n`);
  t.equal((await client.response()).body, "abcde");
});

t.test("gzip passes decoded, with fields that fit", async (t) => {
  const { connect } = await startApp(t, source(await startUpstream(t)));
  const client = await connect();
  for (const path of ["/gzip", "/-/copy"]) {
    const fields = "Host: a.test\r\nAccept-Encoding: gzip\r\n";
    const answer = await client.request(`GET ${path} HTTP/1.1\r\n${fields}\r\n`);
    const coding = answer.header("content-encoding");
    const bytes = coding === "gzip" ? gunzipSync(answer.bodyBytes) : answer.bodyBytes;
    t.equal(String(bytes), "zipped ".repeat(1000), path);
  }
});

t.test("the classes of a worker", async (t) => {
  const { url } = await startApp(t, source(await startUpstream(t)));
  const kinds = await (await fetch(`${url}/-/kinds`)).json();
  t.strictSame(kinds, { response: true, status: 203, request: true, text: true });
});
