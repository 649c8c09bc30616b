/** Tests of redirects by the status of the answer. */
import t from "tap";
import { statusRedirects, type StatusRedirects } from "../../src/handlers/status-redirects.ts";
import { startApp } from "../support/server.ts";

const MODULE = new URL("../../src/handlers/status-redirects.js", import.meta.url).href;
const ERRORS = new URL("../../src/shared/errors.js", import.meta.url).href;

const APP = `
  import { statusRedirects } from ${JSON.stringify(MODULE)};
  import { HttpError } from ${JSON.stringify(ERRORS)};
  const secret = () => new Response("who?", {
    status: 401,
    headers: [["set-cookie", "a=1"], ["set-cookie", "b=2"], ["www-authenticate", "Basic"]],
  });
  export default {
    table: [{
      prefix: "/in",
      handler: statusRedirects({
        401: "/in/login", 404: { location: "https:///lost", status: 303 }, 500: "https://",
      }),
    }],
    routes: {
      "/wrapped": statusRedirects({ 401: "/login" }, secret),
      "/thrown": statusRedirects({ 401: "/login" }, () => { throw secret(); }),
      "/in/secret": secret,
      "/in/thrown": () => { throw new HttpError(401, "who?"); },
      "/in/login": secret,
      "/in/broken": () => { throw new Error("broken"); },
      "/in/stream": () => new Response(new ReadableStream({
        pull() {}, cancel() { throw new Error("not cancelled"); },
      }), { status: 401 }),
      "/in/fine": () => new Response("fine"),
      "/in/declined": statusRedirects({ 401: "/login" }, () => undefined),
    },
  };`;

t.test("answers and errors with such a status lead elsewhere, others do not", async (t) => {
  const { url } = await startApp(t, APP);
  const { hostname } = new URL(url);
  const ask = async (path: string): Promise<unknown[]> => {
    const answer = await fetch(url + path, { redirect: "manual" });
    return [answer.status, answer.headers.get("location") ?? await answer.text()];
  };
  t.strictSame(await ask("/wrapped"), [302, "/login"]);
  t.strictSame(await ask("/thrown"), [302, "/login"], "of a thrown Response");
  t.strictSame(await ask("/in/secret"), [302, "/in/login"], "of what comes behind it");
  t.strictSame(await ask("/in/thrown"), [302, "/in/login"], "of an HttpError");
  t.strictSame(await ask("/in/none"), [303, `https://${hostname}/lost`]);
  t.strictSame(await ask("/in/stream"), [302, "/in/login"], "a body that cannot be cancelled");
  t.strictSame(await ask("/in/fine"), [200, "fine"]);
  t.strictSame(await ask("/in/login"), [401, "who?"], "not to itself");
  t.equal((await ask("/in/broken"))[0], 500, "an error that is no answer is the error hook's");
  t.equal((await ask("/in/declined"))[0], 303, "who declines is passed over");

  const answer = await fetch(`${url}/wrapped`, { redirect: "manual" });
  t.strictSame(answer.headers.getSetCookie(), ["a=1", "b=2"], "cookies go with it");
  t.equal(answer.headers.get("www-authenticate"), null);
  t.match(await answer.text(), /^Redirecting to /);
});

t.test("a table that cannot be is refused", async (t) => {
  const refused = (table: unknown, expected: RegExp): void => {
    t.throws(() => statusRedirects(table as StatusRedirects), { message: expected });
  };
  refused({ abc: "/a" }, /"abc" is no status/);
  refused({ 199: "/a" }, /"199" is no status/);
  refused({ 401: "" }, /401 leads to no location/);
  refused({ 401: { location: "/a", status: 200 } }, /200 is no status of a redirect/);
  refused({ 401: "/a\r\nb: c" }, /./);
  refused({ 401: "http://[bad" }, /401 leads to "http:\/\/\[bad", which is no location/);
  t.throws(() => statusRedirects({ 401: { location: "//a:b" } }), TypeError);
});
