/** The reply ring and its arena at their limits: full rings, full arenas, every kind of text. */
import t from "tap";
import { startApp } from "../support/server.ts";

const SOURCE = `
  const texts = {
    ascii: "plain ascii", short: "caf\\u00e9", latin: "\\u00e9".repeat(20_000),
    wide: "\\u{1f600}".repeat(10_000), lone: "a\\ud800b", mixed: "x".repeat(47) + "\\u00e9",
    edge: "x".repeat(48), over: "x".repeat(49), third: "\\u20ac".repeat(21_845),
    most: "\\u20ac".repeat(21_846), nul: "a\\0b",
  };
  export default {
    routes: {
      "/text/:name": (request) => new Response(texts[request.params.name]),
      "/large": () => new Response("l".repeat(60_000)),
      "/small": () => new Response("s"),
      "/head/:length": (request) =>
        new Response("h", { headers: { "x-fill": "f".repeat(request.params.length) } }),
    },
  };
`;

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`;

t.test("texts of every kind are UTF-8 on the wire", async (t) => {
  const client = await (await startApp(t, SOURCE)).connect();
  const texts: Record<string, string> = {
    ascii: "plain ascii", short: "caf\u00e9", latin: "\u00e9".repeat(20_000),
    wide: "\u{1f600}".repeat(10_000), lone: "a\ufffdb", mixed: `${"x".repeat(47)}\u00e9`,
    edge: "x".repeat(48), over: "x".repeat(49), third: "\u20ac".repeat(21_845),
    most: "\u20ac".repeat(21_846), nul: "a\0b",
  };
  for (const [name, text] of Object.entries(texts)) {
    const answer = await client.request(get(`/text/${name}`));
    t.equal(answer.body, text, name);
    t.equal(answer.header("content-length"), `${Buffer.byteLength(text)}`, name);
  }
});

t.test("more replies in a turn than the ring and the arena hold", async (t) => {
  const server = await startApp(t, SOURCE, { pipelineMax: 1000 });
  const clients = await Promise.all(Array.from({ length: 20 }, () => server.connect()));
  await Promise.all(clients.map(async (client) => {
    client.write(get("/small").repeat(200) + get("/large").repeat(40) + get("/small").repeat(200));
    for (let i = 0; i < 440; i++) {
      const { body } = await client.response();
      const wanted = i >= 200 && i < 240 ? 60_000 : 1;
      if (body.length !== wanted) t.equal(body.length, wanted);
    }
    t.equal(client.pending, "");
  }));
});

t.test("large heads beside each other", async (t) => {
  const client = await (await startApp(t, SOURCE)).connect();
  const lengths = [0, 1, 1000, 60_000, 30_000, 65_000, 7];
  client.write(lengths.map((length) => get(`/head/${length}`)).join("").repeat(5));
  for (let round = 0; round < 5; round++) {
    for (const length of lengths) {
      t.equal((await client.response()).header("x-fill")?.length ?? 0, length);
    }
  }
});
