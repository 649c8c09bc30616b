/**
 * A Request stays readable for as long as somebody holds it, and nothing that an app is given
 * shows the memory that requests are received into.
 */
import t from "tap";
import { startApp } from "../support/server.ts";

const SOURCE = `
  const kept = [];
  const facts = (request) => ({
    method: request.method, url: request.url, headers: [...request.headers],
    params: request.params,
  });
  let release;
  const released = new Promise((resolve) => (release = resolve));
  const given = [];
  async function everything(request, context) {
    const clone = request.clone();
    const stream = [];
    for await (const chunk of clone.clone().body ?? []) stream.push(chunk);
    const blob = await clone.clone().blob();
    const form = clone.headers.get("content-type") === "multipart/form-data; boundary=b"
      ? await clone.clone().formData() : new FormData();
    const parts = [];
    for (const [, value] of form) {
      if (typeof value !== "string") parts.push(await value.arrayBuffer());
    }
    const bytes = await clone.clone().bytes();
    const buffer = await clone.clone().arrayBuffer();
    await clone.text();
    const views = [
      bytes, new Uint8Array(buffer), ...stream, new Uint8Array(await blob.arrayBuffer()),
      ...parts.map((part) => new Uint8Array(part)),
    ];
    const sizes = views.map((view) => [view.byteLength, view.buffer.byteLength]);
    const direct = await request.bytes();
    sizes.push([direct.byteLength, direct.buffer.byteLength]);
    structuredClone(direct, { transfer: [direct.buffer] });
    for (const view of views) {
      if (view.buffer.byteLength > 0) structuredClone(view, { transfer: [view.buffer] });
    }
    given.push([facts(request), context.connection.remote, context.connection.id]);
    return Response.json(sizes);
  }
  async function direct(request) {
    const view = await (request.url.endsWith("?b") ? request.bytes() : request.arrayBuffer());
    const buffer = view.buffer ?? view;
    const sizes = [view.byteLength, buffer.byteLength];
    structuredClone(buffer, { transfer: [buffer] });
    return Response.json(sizes);
  }
  async function streamed(request) {
    const sizes = [];
    for await (const chunk of request.body) {
      sizes.push([chunk.byteLength, chunk.buffer.byteLength]);
      structuredClone(chunk.buffer, { transfer: [chunk.buffer] });
    }
    return Response.json(sizes);
  }
  export default {
    routes: {
      "/keep/:name": (request) => { kept.push(request); return new Response("kept"); },
      "/keep-body/:name": async (request) => {
        kept.push(request);
        await released;
        return new Response(await request.text());
      },
      "/-/release": () => (release(), new Response("released")),
      "/-/kept": async () => Response.json(kept.map(facts)),
      "/everything": everything,
      "/direct": direct,
      "/streamed": streamed,
      "/-/given": () => Response.json(given),
    },
    fetch: (request) => new Response(request.url),
  };
`;

interface Facts {
  readonly method: string;
  readonly url: string;
  readonly headers: [string, string][];
  readonly params: Record<string, string>;
}

t.test("after its response, while thousands of others pass", async (t) => {
  const { connect } = await startApp(t, SOURCE);
  const client = await connect();
  const count = 300;
  for (let i = 0; i < count; i++) {
    const fields = `Host: h${i}.test\r\nX-Number: ${i}\r\nX-Fill: ${"f".repeat(i)}\r\n`;
    client.write(`GET /keep/n${i}?q=${i} HTTP/1.1\r\n${fields}\r\n`);
    if (i % 10 === 9) for (let n = 0; n < 10; n++) t.equal((await client.response()).body, "kept");
  }
  for (let round = 0; round < 60; round++) {
    client.write(`GET /${"z".repeat(300)} HTTP/1.1\r\nHost: other.test\r\n\r\n`.repeat(50));
    for (let n = 0; n < 50; n++) await client.response();
  }
  const { body } = await client.request("GET /-/kept HTTP/1.1\r\nHost: a.test\r\n\r\n");
  const all = JSON.parse(body) as Facts[];
  t.equal(all.length, count);
  for (const [i, { method, url, headers, params }] of all.entries()) {
    t.equal(method, "GET");
    t.equal(url, `http://h${i}.test/keep/n${i}?q=${i}`);
    t.strictSame(params, { name: `n${i}` });
    const wanted = [["host", `h${i}.test`], ["x-fill", "f".repeat(i)], ["x-number", `${i}`]];
    t.strictSame(headers, wanted);
  }
});

t.test("after await, with its body, while thousands of others pass", async (t) => {
  const { connect } = await startApp(t, SOURCE);
  const waiting = [];
  for (let i = 0; i < 20; i++) {
    const client = await connect();
    const body = `body ${i} `.repeat(i * 30 + 1);
    const head = `POST /keep-body/n${i} HTTP/1.1\r\nHost: h${i}.test\r\n`;
    const size = body.length.toString(16);
    const framed = i % 2 === 0
      ? `${head}Content-Length: ${body.length}\r\n\r\n${body}`
      : `${head}Transfer-Encoding: chunked\r\n\r\n${size}\r\n${body}\r\n0\r\n\r\n`;
    client.write(framed);
    waiting.push({ client, body });
  }
  const other = await connect();
  for (let round = 0; round < 40; round++) {
    other.write(`GET /${"y".repeat(300)} HTTP/1.1\r\nHost: other.test\r\n\r\n`.repeat(50));
    for (let n = 0; n < 50; n++) await other.response();
  }
  await other.request("GET /-/release HTTP/1.1\r\nHost: a.test\r\n\r\n");
  for (const { client, body } of waiting) t.equal((await client.response()).body, body);
});

t.test("nothing aliases a slab, and what is transferred breaks no later request", async (t) => {
  const { connect, url } = await startApp(t, SOURCE);
  const client = await connect();
  for (const length of [1, 10, 1000, 30_000, 100_000]) {
    const body = "x".repeat(length);
    const post = (path: string): string =>
      `POST ${path} HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${length}\r\n\r\n${body}`;
    for (const path of ["/everything", "/direct?b", "/direct?a", "/streamed"]) {
      const { body: text } = await client.request(post(path));
      const sizes = JSON.parse(text) as [number, number][] | [number, number];
      const pairs = Array.isArray(sizes[0]) ? sizes as [number, number][] : [sizes];
      for (const [view, buffer] of pairs) {
        t.equal(buffer, view, `${path} ${length}`);
      }
      const next = await client.request("GET /next HTTP/1.1\r\nHost: a.test\r\n\r\n");
      t.equal(next.body, "http://a.test/next");
    }
  }
  const part = 'Content-Disposition: form-data; name="f"; filename="n"';
  const form = `--b\r\n${part}\r\n\r\nfile\r\n--b--\r\n`;
  const headers = { "content-type": "multipart/form-data; boundary=b" };
  const answer = await fetch(`${url}/everything`, { method: "POST", body: form, headers });
  for (const [view, buffer] of await answer.json() as [number, number][]) t.equal(buffer, view);
  const given = await (await fetch(`${url}/-/given`)).json() as [Facts][];
  t.equal(given.at(-1)?.[0].url, `${url}/everything`);
});

t.test("a pipeline of requests with bodies keeps them apart", async (t) => {
  const { connect } = await startApp(t, SOURCE);
  const client = await connect();
  const lengths = [5, 4000, 17, 60_000, 1, 33_000];
  for (let round = 0; round < 20; round++) {
    client.write(lengths.map((length) =>
      `SEARCH /direct HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${length}\r\n\r\n` +
        "s".repeat(length)).join(""));
    for (const length of lengths) {
      t.strictSame(JSON.parse((await client.response()).body), [length, length]);
    }
  }
});
