/** Trailers of a request: once the body has ended, in both ways a body can come. */
import t from "tap";
import { startApp } from "../support/server.ts";
import { trailersFrom } from "../../src/worker/request-trailers.ts";

t.test("fields that must not come in trailers are left out", async (t) => {
  const text = "Digest\na=b\nHOST\nevil\nX-Sum\n1\nx-sum\n2\nIf-Match\n*\nAuthorization\nx\n" +
    "content-encoding\ngzip\nX-Forwarded-For\n1.1.1.1\nEmpty\n\n";
  t.strictSame([...trailersFrom(text)], [["digest", "a=b"], ["empty", ""], ["x-sum", "1, 2"]]);
  t.strictSame([...trailersFrom("")], []);
});

const SOURCE = `
  const show = async (context) => [...await context.trailers];
  export default {
    routes: {
      "/after": async (request, context) => {
        const text = await request.text();
        return Response.json({ text, trailers: await show(context), te: request.headers.has("x") });
      },
      "/before": async (request, context) => {
        const trailers = show(context);
        let length = 0;
        for await (const chunk of request.body ?? []) length += chunk.length;
        return Response.json({ length, trailers: await trailers });
      },
      "/late": async (request, context) => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        return Response.json({ trailers: await show(context), text: await request.text() });
      },
      "/broken": async (request, context) => {
        const trailers = context.trailers;
        const caught = await trailers.catch((error) => error.status);
        return new Response(String(caught), { status: 400 });
      },
    },
  };
`;

const head = (path: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n`;
const END = "0\r\nX: 1 \r\nHost: b.test\r\nx: \xe9\r\n\r\n";
const EXPECTED = [["x", "1, \u00e9"]];

t.test("over the wire", async (t) => {
  const server = await startApp(t, SOURCE);
  const client = await server.connect();
  const ask = async (bytes: Buffer, isSlow: boolean): Promise<Record<string, unknown>> => {
    if (isSlow) await client.writeSlowly(bytes);
    else client.write(bytes);
    return JSON.parse((await client.response()).body) as Record<string, unknown>;
  };
  for (const isSlow of [false, true]) {
    const small = (path: string): Buffer =>
      Buffer.from(`${head(path)}3\r\nabc\r\n${END}`, "latin1");
    const after = { text: "abc", trailers: EXPECTED, te: false };
    t.strictSame(await ask(small("/after"), isSlow), after);
    t.strictSame(await ask(small("/before"), isSlow), { length: 3, trailers: EXPECTED });
    t.strictSame(await ask(small("/late"), isSlow), { trailers: EXPECTED, text: "abc" });
    const empty = Buffer.from(`${head("/before")}${END}`, "latin1");
    t.strictSame(await ask(empty, isSlow), { length: 0, trailers: EXPECTED });
    const none = Buffer.from(`${head("/before")}0\r\n\r\n`, "latin1");
    t.strictSame(await ask(none, isSlow), { length: 0, trailers: [] });
  }
  const long = `${head("/before")}30d40\r\n${"x".repeat(200_000)}\r\n${END}`;
  t.strictSame(await ask(Buffer.from(long, "latin1"), false),
    { length: 200_000, trailers: EXPECTED });
  client.write("GET /before HTTP/1.1\r\nHost: a.test\r\n\r\n");
  t.match(JSON.parse((await client.response()).body), { length: 0, trailers: [] }, "no body");
});

t.test("a body that breaks off takes its trailers with it", async (t) => {
  const server = await startApp(t, SOURCE);
  const client = await server.connect();
  client.write(`${head("/broken")}3\r\nabc\r\n`);
  client.write("zz\r\n");
  t.equal((await client.response()).body, "400");
});
