/** The writing end of the reply ring, seen from the other side of the socket. */
import t from "tap";
import { startApp } from "../support/server.ts";

const APP = `
  const chunks = (sizes) => (async function* () { for (const n of sizes) yield "y".repeat(n); })();
  export default {
    fetch(request) {
      const url = new URL(request.url);
      const number = Number(url.searchParams.get("n"));
      switch (url.pathname) {
        case "/ascii": return new Response("x".repeat(number));
        case "/wide": return new Response("\\u20ac".repeat(number));
        case "/mixed": return new Response("x".repeat(number) + "\\u00e9");
        case "/bytes": return new Response(new Uint8Array(number).fill(120));
        case "/chunks": return new Response(chunks([number, 1, number]));
        case "/headers": return new Response("h", { headers: { "x-long": "v".repeat(number) } });
      }
    },
  };
`;

const euro = "\u20ac";
const BODIES: Record<string, (n: number) => string> = {
  "/ascii": (n) => "x".repeat(n),
  "/wide": (n) => euro.repeat(n),
  "/mixed": (n) => `${"x".repeat(n)}\u00e9`,
  "/bytes": (n) => "x".repeat(n),
  "/chunks": (n) => "y".repeat(2 * n + 1),
};

t.test("text and bytes of every length around the limits", async (t) => {
  const { url } = await startApp(t, APP);
  const lengths = [0, 1, 47, 48, 49, 21_844, 21_845, 21_846, 65_535, 65_536, 65_537, 200_000];
  for (const [path, body] of Object.entries(BODIES)) {
    for (const n of lengths) {
      const answer = await fetch(`${url}${path}?n=${n}`);
      t.equal(await answer.text(), body(n), `${path} ${n}`);
    }
  }
});

t.test("more answers at once than the ring and the arena hold", async (t) => {
  const server = await startApp(t, APP, { pipelineMax: 64 });
  const clients = await Promise.all(Array.from({ length: 40 }, () => server.connect()));
  const request = "GET /ascii?n=20000 HTTP/1.1\r\nHost: a\r\n\r\n".repeat(64);
  for (const client of clients) client.write(request);
  for (const client of clients) {
    for (let i = 0; i < 64; i++) {
      if ((await client.response()).body.length !== 20_000) t.fail("an answer is not whole");
    }
  }
  t.pass("2,560 answers of 20,000 bytes");
});

t.test("a head too long for the wire is a 500", async (t) => {
  const { url } = await startApp(t, APP);
  t.equal((await fetch(`${url}/headers?n=8000`)).headers.get("x-long")?.length, 8000);
  t.equal((await fetch(`${url}/headers?n=70000`)).status, 500);
  t.equal((await fetch(`${url}/ascii?n=1`)).status, 200);
});
