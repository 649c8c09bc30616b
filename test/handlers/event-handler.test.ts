/** Tests of handlers in the style of an event, over real connections. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import t, { type Test } from "tap";
import { eventHandler, type EventHandlerOptions } from "../../src/handlers/event-handler.ts";
import { ownFolder } from "../support/folder.ts";
import { startApp } from "../support/server.ts";

const MODULE = new URL("../../src/handlers/event-handler.js", import.meta.url).href;

/** A server whose handler is this code of an event. */
async function serving(owner: Test, code: string, options: EventHandlerOptions = {}) {
  return await startApp(owner, `
    import { eventHandler } from ${JSON.stringify(MODULE)};
    import { Readable } from "node:stream";
    export default eventHandler(async (event) => { ${code} }, ${JSON.stringify(options)});
  `);
}

/** All properties that came, as JSON. */
const SHOW = `
  const files = event.files.map((file) => file.name);
  event.set("http.body", { ...event.in, files });
`;

type Shown = Record<string, unknown>;

t.test("what came, as properties", async (t) => {
  const { url } = await serving(t, SHOW);
  const answer = await fetch(`${url}/a%20b/c?x=1&y=a%2Bb&x=2&bare&empty=&a;b=c`, {
    headers: { "X-Case": "Kept", "authorization": `Basic ${btoa("user:pass:word")}` },
  });
  const shown = (await answer.json()) as Shown;
  t.match(shown, {
    "http.method": "GET",
    "http.base": "/a b/c",
    "http.qs.x": "1;2",
    "http.qs.y": "a+b",
    "http.qs.bare": true,
    "http.qs.empty": "",
    "http.qs.a;b": "c",
    "http.remote_user": "user",
    "http.remote_pass": "pass:word",
    "tcp.remoteIP": "127.0.0.1",
    "tcp.localIP": "127.0.0.1",
    "http.X-Case": "Kept",
  });
  t.equal(typeof shown["tcp.remotePort"], "number");
  for (const none of ["http.body", "http.user", "http.bodyAsBytes"]) t.notOk(none in shown);
});

t.test("as attributes each is an array; a semicolon may part parameters", async (t) => {
  const options: EventHandlerOptions = { valuesAs: "attributes", semicolons: true };
  const { url } = await serving(t, SHOW, options);
  const shown = (await (await fetch(`${url}/?x=1;x=2&y`)).json()) as Shown;
  t.match(shown, {
    "http.method": ["GET"], "http.qs.x": ["1", "2"], "http.qs.y": [true], "http.base": ["/"],
  });
});

t.test("a form's fields are parameters beside those of the query, and no body", async (t) => {
  const { url } = await serving(t, SHOW);
  const body = new URLSearchParams([["x", "2"], ["y", "ä+b"]]);
  const posted = (await (await fetch(`${url}/?x=1`, { method: "POST", body })).json()) as Shown;
  t.match(posted, { "http.qs.x": "1;2", "http.qs.y": "ä+b", "http.method": "POST" });
  t.notOk("http.body" in posted);

  const form = new FormData();
  form.append("x", "3");
  form.append("file", new File(["bytes"], "a.txt"));
  const parts = (await (await fetch(url, { method: "POST", body: form })).json()) as Shown;
  t.match(parts, { "http.qs.x": "3", files: ["a.txt"] });
});

t.test("a broken form is the client's fault, a long body too", async (t) => {
  const { url } = await startApp(t, `
    import { eventHandler } from ${JSON.stringify(MODULE)};
    export default eventHandler((event) => event.set("http.body", "ran"));
  `, { bodyBytesMax: 1000 });
  const posted = async (type: string, body: string): Promise<[number, string]> => {
    const headers = { "content-type": type };
    const answer = await fetch(url, { method: "POST", headers, body });
    return [answer.status, await answer.text()];
  };
  const form = '--B\r\nContent-Disposition: form-data; name="n"\r\n\r\n1\r\n--B--\r\n';
  const multipart = "multipart/form-data; boundary=";
  const broken: [string, string][] = [
    [`${multipart}B`, "nope"], [`${multipart}B`, form.slice(0, -6)], [`${multipart}B`, ""],
    [`${multipart}C`, form], ["multipart/form-data", form],
  ];
  for (const [type, body] of broken) {
    t.strictSame(await posted(type, body), [400, "The form is broken"], `${type} ${body}`);
  }
  t.strictSame(await posted(`${multipart}B`, form), [200, "ran"]);
  const urlencoded = "application/x-www-form-urlencoded";
  for (const type of [urlencoded, `${urlencoded}; charset=nobody-knows`]) {
    t.strictSame(await posted(type, "%ff=%zz&&=&%"), [200, "ran"], "no such form is broken");
  }
  for (const type of [`${multipart}B`, urlencoded, "text/plain"]) {
    t.match(await posted(type, "x".repeat(1001)), [413], type);
  }
});

t.test("a body is text or bytes, as its type says", async (t) => {
  const { url } = await serving(t, `
    const body = event.get("http.body");
    const shown = typeof body === "string" ? body : [...body];
    const { length } = event.get("http.bodyAsBytes");
    event.set("http.body", { all: [shown, event.get("http.bodyAsString"), length] });
  `);
  const shown = async (type: string, body: Uint8Array<ArrayBuffer>): Promise<unknown> => {
    const headers = { "content-type": type };
    const answer = await fetch(url, { method: "PUT", headers, body });
    return ((await answer.json()) as { all: unknown }).all;
  };
  const bytes = new Uint8Array([0x61, 0xe4]);
  t.strictSame(await shown("text/plain; charset=iso-8859-1", bytes), ["aä", "aä", 2]);
  t.strictSame(await shown("application/json", new Uint8Array([0x31])), ["1", "1", 1]);
  for (const type of ["image/svg+xml", "model/gltf+json; a=b", "application/x.y+json"]) {
    t.strictSame(await shown(type, new Uint8Array([0x31])), ["1", "1", 1], type);
  }
  t.strictSame(await shown("image/xml", new Uint8Array([0x31])), [[0x31], "1", 1]);
  t.strictSame(await shown("application/octet-stream", bytes), [[0x61, 0xe4], "a\ufffd", 2]);
  t.strictSame(await shown("text/x; charset=nobody-knows", bytes), ["a\ufffd", "a\ufffd", 2]);
});

t.test("status by number, by text, by keyword", async (t) => {
  const { url } = await serving(t, `
    event.set("http.status", event.get("http.qs.s"));
    event.set("http.body", "body");
    event.set("http.X-Own", "1");
  `, { realm: "the \"mill\"" });
  const asked = async (status: string): Promise<unknown[]> => {
    const answer = await fetch(`${url}/?s=${encodeURIComponent(status)}`);
    const { headers } = answer;
    return [answer.status, answer.statusText, await answer.text(), headers.get("x-own"),
      headers.get("www-authenticate")];
  };
  t.strictSame(await asked("201"), [201, "Created", "body", "1", null]);
  t.strictSame(await asked("200 Fine"), [200, "Fine", "body", "1", null]);
  t.strictSame(await asked("not found"), [404, "File not found", "body", "1", null]);
  t.strictSame(await asked("Ok"), [200, "OK", "body", "1", null]);
  t.strictSame(await asked("403"), [403, "Forbidden", "body", "1", null]);
  t.strictSame(await asked("401"), [401, "Unauthorized", "body", "1", null]);
  t.strictSame(await asked("FORBIDDEN"), [
    401, "Forbidden", "", null, 'Basic realm="the \\"mill\\"", charset="UTF-8"',
  ]);
  for (const wrong of ["600", "99", "FINE", "20", "2000"]) t.match(await asked(wrong), [500]);
});

t.test("a status that has no body drops it, and closes a stream", async (t) => {
  const { url } = await serving(t, `
    globalThis.closed ??= [];
    const status = event.get("http.qs.s");
    if (status === undefined) {
      event.set("http.body", globalThis.closed.join());
      return;
    }
    const stream = new Readable({ read() {} });
    stream.on("close", () => globalThis.closed.push(status));
    event.set("http.status", status);
    event.set("http.body", event.get("http.qs.text") ?? stream);
    event.set("http.ETag", '"a"');
  `);
  for (const status of ["204 Nothing", "205", "304"]) {
    for (const rest of ["", "&text=a"]) {
      const answer = await fetch(`${url}/?s=${encodeURIComponent(status)}${rest}`);
      t.equal(answer.status, Number(status.slice(0, 3)));
      t.equal(answer.headers.get("etag"), '"a"');
      t.equal(answer.headers.get("content-type"), null);
      t.equal(await answer.text(), "");
    }
  }
  t.equal((await fetch(`${url}/?s=FORBIDDEN`)).status, 401);
  t.equal(await (await fetch(url)).text(), "204 Nothing,205,304,FORBIDDEN");
});

t.test("a redirect wins over everything", async (t) => {
  const { url } = await serving(t, `
    event.set("http.status", "FORBIDDEN");
    event.set("http.body", "body");
    event.set("http.X-Own", "1");
    event.set("http.redirect", "/there?a=b");
  `);
  const answer = await fetch(url, { redirect: "manual" });
  t.equal(answer.status, 302);
  t.equal(answer.headers.get("location"), "/there?a=b");
  t.equal(await answer.text(), "Redirecting to /there?a=b\n");
  t.equal(answer.headers.get("x-own"), null);
});

t.test("bodies out, and their types", async (t) => {
  const file = join(ownFolder(t), "page.html");
  writeFileSync(file, "<p>file</p>");
  const { url } = await serving(t, `
    const made = {
      none: () => undefined,
      null: () => null,
      text: () => "tä",
      bytes: () => new Uint8Array([1, 2]),
      stream: () => new Blob(["streamed"]).stream(),
      readable: () => Readable.from(["a", "b"]),
      file: () => new URL(${JSON.stringify(pathToFileURL(file).href)}),
      missing: () => new URL("nothing.html", ${JSON.stringify(pathToFileURL(file).href)}),
      folder: () => new URL(".", ${JSON.stringify(pathToFileURL(file).href)}),
      slash: () => new URL("file:///etc%2fhostname"),
      zero: () => new URL("file:///etc/%00"),
      words: () => new Uint16Array([0x4241, 0x4443]),
      part: () => new DataView(new TextEncoder().encode("abcd").buffer, 1, 2),
      buffer: () => new TextEncoder().encode("abc").buffer,
      shared: () => new SharedArrayBuffer(1),
      blob: () => new Blob(["b"], { type: "image/x" }),
      data: () => ({ a: [1] }),
      number: () => 12,
    };
    event.out["http.body"] = made[event.in["http.qs.b"]]();
    event.out["http.content-type"] = event.in["http.qs.t"];
  `);
  const asked = async (body: string, type = ""): Promise<unknown[]> => {
    const answer = await fetch(`${url}/?b=${body}${type === "" ? "" : `&t=${type}`}`);
    const { headers } = answer;
    return [answer.status, headers.get("content-type"), headers.get("content-length"),
      await answer.text()];
  };
  const text = "text/plain; charset=utf-8";
  t.strictSame(await asked("none"), [200, null, "0", ""]);
  t.strictSame(await asked("null"), [200, null, "0", ""]);
  t.strictSame(await asked("text"), [200, text, "3", "tä"]);
  t.strictSame(await asked("text", "text/html"), [200, "text/html; charset=utf-8", "3", "tä"]);
  const flowed = "Text/Plain; format=flowed";
  t.strictSame(await asked("text", flowed), [200, `${flowed}; charset=utf-8`, "3", "tä"]);
  for (const said of ["text/html; Charset=x", "application/json", "x"]) {
    t.strictSame(await asked("text", said), [200, said, "3", "tä"]);
  }
  t.strictSame(await asked("bytes", "text/html"), [200, "text/html", "2", "\u0001\u0002"]);
  t.strictSame(await asked("bytes"), [200, "text/plain", "2", "\u0001\u0002"]);
  t.strictSame(await asked("stream"), [200, "text/plain", null, "streamed"]);
  t.strictSame(await asked("readable"), [200, "text/plain", null, "ab"]);
  t.strictSame(await asked("file"), [200, "text/plain", "11", "<p>file</p>"]);
  t.match(await asked("missing"), [404]);
  for (const none of ["folder", "slash", "zero"]) t.match(await asked(none), [404], none);
  t.strictSame(await asked("words"), [200, "text/plain", "4", "ABCD"]);
  t.strictSame(await asked("part"), [200, "text/plain", "2", "bc"]);
  t.strictSame(await asked("buffer"), [200, "text/plain", "3", "abc"]);
  t.strictSame(await asked("shared"), [200, "text/plain", "1", "\0"]);
  t.strictSame(await asked("blob"), [200, "image/x", "1", "b"]);
  t.strictSame(await asked("data"), [200, text, "9", '{"a":[1]}']);
  t.strictSame(await asked("number"), [200, text, "2", "12"]);
});

t.test("other properties are fields; what came in does not go out", async (t) => {
  const { url } = await serving(t, `
    for (const [name, value] of Object.entries(event.in)) event.set(name, value);
    event.set("http.body", "own");
    event.set("http.status", 200);
    event.set("http.X-Many", ["a", "b"]);
    event.set("http.Set-Cookie", ["a=1", "b=2"]);
    event.set("http.X-Gone", "1");
    event.set("http.X-Gone", undefined);
    event.set("http.X-Null", null);
    event.set("http.content-length", "9999");
    event.set("http.bodyXyz", "1");
    event.set("HTTP.Body-Own", "1");
    event.set("http.proxy_user", "1");
    event.set("http.proxy_pass", "1");
    event.set("own.thing", "1");
  `);
  const { headers } = await fetch(`${url}/?q=1`, {
    headers: { "X-Echoed": "yes", authorization: `Basic ${btoa("a:b")}` },
  });
  t.equal(headers.get("x-echoed"), "yes");
  t.equal(headers.get("x-many"), "a, b");
  t.strictSame(headers.getSetCookie(), ["a=1", "b=2"]);
  t.equal(headers.get("content-length"), "3");
  for (const name of [
    "x-gone", "x-null", "authorization", "qs.q", "remote_user", "remote_pass", "method", "base",
    "own.thing", "thing", "bodyxyz", "body-own", "bodyasbytes", "proxy_user", "proxy_pass",
  ]) {
    t.equal(headers.get(name), null, name);
  }
});

t.test("a Response that is returned is the answer; an error is the app's", async (t) => {
  const { url } = await serving(t, `
    event.set("http.body", "ignored");
    if (event.get("http.base") === "/throw") throw new Error("broken");
    if (event.get("http.base") === "/field") event.set("http.X-Bad", "a\\nb");
    else return new Response("own", { status: 202 });
  `);
  const answer = await fetch(url);
  t.equal(answer.status, 202);
  t.equal(await answer.text(), "own");
  t.equal((await fetch(`${url}/throw`)).status, 500);
  t.equal((await fetch(`${url}/field`)).status, 500);
});

t.test("what the code writes with the reply is the answer", async (t) => {
  const { url } = await serving(t, `
    event.set("http.body", "ignored");
    const reply = event.context.reply().status(201).header("x-own", "1");
    if (event.get("http.base") === "/end") reply.end("written");
    else setTimeout(() => reply.end("written"));
  `);
  for (const path of ["/end", "/later"]) {
    const answer = await fetch(url + path);
    t.equal(answer.status, 201);
    t.equal(answer.headers.get("x-own"), "1");
    t.equal(await answer.text(), "written");
  }
});

t.test("trailers are properties like other fields", async (t) => {
  const { connect } = await serving(t, `event.set("http.body", event.in["http.x-sum"]);`);
  const client = await connect();
  const head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  const answer = await client.request(`${head}1\r\na\r\n0\r\nX-Sum: 97\r\n\r\n`);
  t.equal(answer.body, "97");
});

t.test("no client says by a field who the user is, or what the body", async (t) => {
  const { connect } = await serving(t, `
    const { remote_user } = Object.fromEntries(event.request.headers);
    event.set("http.body", { ...event.in, remote_user });
  `);
  const client = await connect();
  const forged = "User: admin\r\nremote_user: root\r\nBODY: evil\r\nqs.name: n\r\n";
  const head = `POST /a HTTP/1.1\r\nHost: a\r\n${forged}Transfer-Encoding: chunked\r\n\r\n`;
  const answer = await client.request(`${head}1\r\na\r\n0\r\nMethod: DELETE\r\n${forged}\r\n`);
  const shown = JSON.parse(answer.body) as Shown;
  t.match(shown, { "http.method": "POST", "http.bodyAsString": "a", "remote_user": "root" });
  for (const none of ["http.user", "http.remote_user", "http.qs.name"]) {
    t.notOk(none in shown, none);
  }
});

t.test("options that are none", (t) => {
  const wrong: [unknown, RegExp][] = [
    [{ valuesAs: "lists" }, /valuesAs is/], [{ valuesAs: null }, /valuesAs is/],
    [{ realm: "a\n" }, /realm of a field is/], [{ realm: 5 }, /realm is a string/],
    [{ headersAs: "x" }, /no option "headersAs"/],
    [{ contenttype: "x" }, /no option "contenttype", did you mean contentType\?/],
    [{ contentType: 5 }, /contentType is/], [{ contentType: "text" }, /contentType is/],
    [{ contentType: "a\r\nb" }, /contentType is/],
    [{ contentType: "text/html; a=\n" }, /contentType is/],
    [{ semicolons: "false" }, /semicolons is/], [null, /its options are an object/],
  ];
  for (const [options, message] of wrong) {
    const call = () => eventHandler(() => {}, options as EventHandlerOptions);
    t.throws(call, { name: "TypeError", message });
  }
  t.throws(() => eventHandler(undefined as never), { name: "TypeError", message: /a function/ });
  t.end();
});

t.test("an option that is undefined is as if it were not there", async (t) => {
  const { url } = await startApp(t, `
    import { eventHandler } from ${JSON.stringify(MODULE)};
    export default eventHandler((event) => {
      event.set("http.status", event.get("http.qs.s"));
      event.set("http.body", "text" + event.get("http.qs.a;b"));
    }, { valuesAs: undefined, contentType: undefined, realm: undefined, semicolons: undefined });
  `);
  const answer = await fetch(`${url}/?a;b=1`);
  t.equal(answer.status, 200);
  t.equal(answer.headers.get("content-type"), "text/plain; charset=utf-8");
  t.equal(await answer.text(), "text1");
  const { headers } = await fetch(`${url}/?s=FORBIDDEN`);
  t.equal(headers.get("www-authenticate"), 'Basic realm="millrace", charset="UTF-8"');
});
