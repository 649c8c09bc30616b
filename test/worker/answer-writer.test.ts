/** How one answer is framed, by its status, its body and who asks. */
import t from "tap";
import { startApp } from "../support/server.ts";

const APP = `
  const own = (status) => ({ status, headers: { "content-length": "0", "x-own": "1" } });
  export default {
    routes: {
      "/own/:status": (request) => new Response(null, own(Number(request.params.status))),
      "/plain/:status": (request) =>
        new Response(null, { status: Number(request.params.status) }),
      "/foreign/:status": (request) => ({
        status: Number(request.params.status), headers: new Map(), body: "not sent",
      }),
    },
  };
`;

/** Status to Content-Length of a GET and of a HEAD without a body. */
const LENGTHS: Record<string, readonly [string | undefined, string | undefined]> = {
  "/plain/200": ["0", undefined],
  "/plain/204": [undefined, undefined],
  "/plain/205": ["0", "0"],
  "/plain/304": [undefined, undefined],
  "/plain/404": ["0", undefined],
  "/own/200": ["0", "0"],
  "/own/204": [undefined, undefined],
  "/own/205": ["0", "0"],
  "/own/304": ["0", "0"],
  "/foreign/204": [undefined, undefined],
  "/foreign/205": ["0", "0"],
  "/foreign/304": [undefined, undefined],
};

t.test("lengths of answers without a body", async (t) => {
  const client = await (await startApp(t, APP)).connect();
  for (const [path, [get, head]] of Object.entries(LENGTHS)) {
    for (const version of ["1.1", "1.0"]) {
      const rest = `${path} HTTP/${version}\r\nHost: a\r\nConnection: keep-alive\r\n\r\n`;
      const one = await client.request(`GET ${rest}`);
      const other = await client.request(`HEAD ${rest}`);
      t.equal(one.header("content-length"), get, `GET ${path}`);
      t.equal(other.header("content-length"), head, `HEAD ${path}`);
      for (const answer of [one, other]) {
        t.equal(`${answer.status}`, path.slice(-3));
        t.equal(answer.body, "");
        t.equal(answer.header("transfer-encoding"), undefined);
        t.ok(answer.header("date"));
      }
    }
  }
  t.equal(client.pending, "");
});
