/** Tests of forms, over real connections. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { type FormOptions, withForm } from "../../src/handlers/forms.ts";
import type { Context, MillraceRequest } from "../../src/shared/app.ts";
import { until } from "../support/deadline.ts";
import { ownFolder } from "../support/folder.ts";
import type { RawClient } from "../support/raw-client.ts";
import { startApp, type TestServer } from "../support/server.ts";

const MODULE = new URL("../../src/handlers/forms.js", import.meta.url).href;

const URLENCODED = { "content-type": "application/x-www-form-urlencoded" };
const context = {} as Context;

interface Serving extends TestServer {
  readonly folder: string;
}

/** A server that says what came, and keeps files named "keep". */
async function serving(owner: Test, options: FormOptions = {}, accepts = ""): Promise<Serving> {
  const folder = ownFolder(owner);
  const kept = ownFolder(owner);
  const server = await startApp(owner, `
    import { readFileSync } from "node:fs";
    import { join } from "node:path";
    import { withForm } from ${JSON.stringify(MODULE)};
    const options = { ...${JSON.stringify({ folder, ...options })}, ${accepts} };
    export default {
      routes: {
        "/": withForm(async (form) => {
          const files = form.files.map(({ field, name, type, size, path }) => (
            { field, name, type, size, text: size < 100 ? readFileSync(path, "latin1") : "" }
          ));
          await form.file("keep")?.keep(join(${JSON.stringify(kept)}, "kept"));
          const { fields } = form;
          return Response.json({ fields, files, a: form.all("a"), one: form.get("a") });
        }, options),
        "/throws": withForm(() => { throw new Error("broken"); }, options),
      },
      error: (error) => new Response(error.message, { status: error.status ?? 500 }),
    };
  `);
  return { ...server, folder: kept };
}

type Body = NonNullable<RequestInit["body"]>;

async function post(url: string, body: Body, headers = {}): Promise<[number, string]> {
  const answer = await fetch(url, { method: "POST", body, headers });
  return [answer.status, await answer.text()];
}

/** A request with the file "x" in the field "a". */
function upload(path: string): string {
  const file = "--b\r\nContent-Disposition: form-data; name=a; filename=f\r\n\r\nx\r\n--b--";
  return `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${file.length}\r\n` +
    `Content-Type: multipart/form-data; boundary=b\r\n\r\n${file}`;
}

t.test("fields and files, in their order", async (t) => {
  const { url, folder } = await serving(t);
  const form = new FormData();
  form.append("a", "1");
  form.append("file", new File(["text"], "dir/ä.txt", { type: "text/plain" }));
  form.append("a", "2\r\n--x");
  form.append("keep", new File(["kept"], "k"));
  form.append("empty", new File([], ""));
  const [status, text] = await post(url, form);
  t.equal(status, 200);
  t.match(JSON.parse(text), {
    fields: [["a", "1"], ["a", "2\r\n--x"]],
    a: ["1", "2\r\n--x"],
    one: "1",
    files: [
      { field: "file", name: "ä.txt", type: "text/plain", size: 4, text: "text" },
      { field: "keep", name: "k", size: 4 },
      { field: "empty", name: "", size: 0 },
    ],
  });
  t.equal(readFileSync(join(folder, "kept"), "utf8"), "kept");

  const [, plain] = await post(url, new URLSearchParams("a=1&b=%20x&a=2"));
  t.match(JSON.parse(plain), { fields: [["a", "1"], ["b", " x"], ["a", "2"]], files: [] });
});

t.test("large files stream to the disk, several at once, and nothing stays behind", async (t) => {
  const folder = ownFolder(t);
  const { url } = await serving(t, { folder });
  const form = new FormData();
  const bytes = new Uint8Array(3_000_000).fill(7);
  for (const name of ["x", "y", "z"]) form.append(name, new File([bytes], name));
  const [status, text] = await post(url, form);
  t.equal(status, 200);
  const { files } = JSON.parse(text) as { files: { size: number }[] };
  t.strictSame(files.map(({ size }) => size), [3_000_000, 3_000_000, 3_000_000]);
  t.strictSame(await post(`${url}/throws`, form), [500, "broken"]);
  t.strictSame(readdirSync(folder), []);
});

t.test("a connection that has sent files is as free as before", async (t) => {
  const server = await serving(t);
  const client = await server.connect();
  t.equal((await client.request(upload("/"))).status, 200);
  await server.server.reload();
  t.equal((await client.request(upload("/"))).status, 200, "by another worker");
});

t.test("more than a limit is 413", async (t) => {
  const folder = ownFolder(t);
  const { url } = await serving(t, {
    folder, fieldsMax: 2, fieldBytesMax: 10, filesMax: 1, fileBytesMax: 1000, bytesMax: 20_000,
  });
  const formWith = (...entries: [string, string | File][]): FormData => {
    const form = new FormData();
    for (const [name, value] of entries) form.append(name, value);
    return form;
  };
  const file = (size: number): File => new File([new Uint8Array(size)], "f");
  const cases: [FormData | URLSearchParams, RegExp][] = [
    [formWith(["a", "1"], ["b", "2"], ["c", "3"]), /more than 2 fields/],
    [formWith(["a", "x".repeat(11)]), /a field longer than 10 bytes/],
    [formWith(["a", file(1)], ["b", file(1)]), /more than 1 files/],
    [formWith(["a", file(1001)]), /The file "f" is longer than 1000 bytes/],
    [new URLSearchParams("a=1&b=2&c=3"), /more than 2 fields/],
    [new URLSearchParams({ a: "x".repeat(11) }), /a field longer than 10 bytes/],
    [new URLSearchParams({ ["x".repeat(11)]: "a" }), /a field longer than 10 bytes/],
    [new URLSearchParams({ a: "x".repeat(100) }), /a field longer than 10 bytes/],
    [formWith(["x".repeat(11), "a"]), /a field longer than 10 bytes/],
    [formWith(["x".repeat(11), file(1)]), /a field longer than 10 bytes/],
  ];
  for (const [body, message] of cases) {
    const [status, text] = await post(url, body);
    t.equal(status, 413, text);
    t.match(text, message);
  }
  t.equal((await post(url, new URLSearchParams({ a: "x".repeat(20_000) })))[0], 413);
  const most = formWith(["a", "1"], ["b", "x".repeat(10)], ["c", file(1000)]);
  t.equal((await post(url, most))[0], 200);
  const coded = new URLSearchParams({ ["%".repeat(10)]: "%".repeat(10), b: "2" });
  t.equal((await post(url, coded))[0], 200);
  t.equal((await post(url, `&&a=1&&&b=2${"&".repeat(100)}`, URLENCODED))[0], 200);
  const parts = { "content-type": "multipart/form-data; boundary=b" };
  const others = (count: number): string => `${"--b\r\n\r\n\r\n".repeat(count)}--b--`;
  t.equal((await post(url, others(50), parts))[0], 200);
  t.strictSame(await post(url, others(104), parts), [413, "The form has too many parts"]);
  t.strictSame(readdirSync(folder), []);
});

t.test("fields are counted before they are made", async (t) => {
  const { handle } = withForm(() => "taken");
  const body = "a&".repeat(2 ** 20);
  const request = new Request("http://a/", { method: "POST", body, headers: URLENCODED });
  const { URLSearchParams } = globalThis;
  globalThis.URLSearchParams = class extends URLSearchParams {
    constructor() {
      super();
      throw new Error("it was parsed");
    }
  };
  t.teardown(() => (globalThis.URLSearchParams = URLSearchParams));
  await t.rejects(handle(request as MillraceRequest, context, context) as Promise<never>, {
    status: 413, message: "The form has more than 1000 fields",
  });
});

t.test("what is no form, or broken", async (t) => {
  const folder = ownFolder(t);
  const { url, connect } = await serving(t, { folder });
  const type = (value: string): Record<string, string> => ({ "content-type": value });
  t.equal((await post(url, "{}", type("application/json")))[0], 415);
  t.equal((await post(url, new Uint8Array(3)))[0], 415);
  t.match(await post(url, "x", type("multipart/form-data")), [400, /no boundary/]);
  const parts = type("multipart/form-data; boundary=b");
  const nameless = "--b\r\nContent-Disposition: form-data\r\n\r\n1\r\n--b--";
  t.match(await post(url, nameless, parts), [400, "A part of the form has no name"]);
  const file = nameless.replace("form-data", "form-data; filename=f");
  t.match(await post(url, file, parts), [400, "A part of the form has no name"]);
  for (const body of ["", "x", "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n1",
    "--b\r\nContent-Disposition: form-data; name=a; filename=f\r\n\r\n1\r\n--"]) {
    const [status] = await post(url, body, parts);
    t.equal(status, 400, JSON.stringify(body));
  }
  t.strictSame(readdirSync(folder), []);

  const client = await connect();
  client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n" +
    "Content-Type: multipart/form-data; boundary=b\r\n\r\n" +
    "--b\r\nContent-Disposition: form-data; name=a; filename=f\r\n\r\nx");
  await until("the file to begin", () => readdirSync(folder).length > 0);
  client.close();
  await until("it to be removed", () => readdirSync(folder).length === 0);
});

t.test("of a handler that never settles, files go with the connection", async (t) => {
  const folder = ownFolder(t);
  const kept = join(ownFolder(t), "kept");
  const { server, connect } = await startApp(t, `
    import { withForm } from ${JSON.stringify(MODULE)};
    const folder = ${JSON.stringify(folder)};
    const keeping = withForm(async (form, request) => {
      await form.file("a").keep(${JSON.stringify(kept)});
      await new Promise(() => {});
    }, { folder });
    const hanging = withForm(() => new Promise(() => {}), { folder });
    export default {
      routes: { "/": hanging, "/kept": keeping, "/late": { ...hanging, handlerTimeoutMs: 100 } },
    };
  `);
  const send = async (path: string): Promise<RawClient> => {
    const client = await connect();
    client.write(upload(path));
    await until("the file to lie there", () => readdirSync(folder).length > 0);
    return client;
  };
  const gone = (): Promise<void> => until("it to go", () => readdirSync(folder).length === 0);

  (await send("/")).reset();
  await gone();
  const client = await send("/kept");
  await until("it to be kept", () => existsSync(kept));
  client.reset();
  await gone();
  t.equal(readFileSync(kept, "utf8"), "x");
  const late = await send("/late");
  t.match(await late.readToEnd(), /^HTTP\/1\.1 503 /);
  late.close();
  await gone();
  await send("/");
  await server.close({ force: true });
  t.strictSame(readdirSync(folder), []);
});

t.test("a server that is closed by force removes what is still being stored", async (t) => {
  const folder = ownFolder(t);
  const { server, connect } = await serving(t, { folder });
  const half = upload("/").slice(0, -"\r\n--b--".length);
  for (let count = 0; count < 5; count++) (await connect()).write(half);
  await until("the files to begin", () => readdirSync(folder).length === 5);
  await server.close({ force: true });
  t.strictSame(readdirSync(folder), []);
});

t.test("a client that has ended its side still gets what is made of its files", async (t) => {
  const folder = ownFolder(t);
  const { connect } = await startApp(t, `
    import { readFileSync } from "node:fs";
    import { withForm } from ${JSON.stringify(MODULE)};
    export default {
      routes: {
        "/": withForm(async (form, { signal }) => {
          if (!signal.aborted) await new Promise((go) => signal.addEventListener("abort", go));
          await new Promise((go) => setTimeout(go, 50));
          return new Response(readFileSync(form.file("a").path));
        }, { folder: ${JSON.stringify(folder)} }),
      },
    };
  `);
  const client = await connect();
  client.write(upload("/"));
  client.end();
  t.match((await client.response()).body, "x");
  await until("it to be removed", () => readdirSync(folder).length === 0);
});

t.test("files that are not taken", async (t) => {
  const folder = ownFolder(t);
  const accepts = 'accepts: ({ name, type }) => type === "text/plain" && name.endsWith(".txt")';
  const { url } = await serving(t, { folder }, accepts);
  const form = new FormData();
  form.append("a", new File(["a"], "a.txt", { type: "text/plain" }));
  t.equal((await post(url, form))[0], 200);
  form.append("b", new File(["<html>"], "b.html", { type: "text/html" }));
  t.match(await post(url, form), [415, /"b.html"/]);
  t.strictSame(readdirSync(folder), []);
});

t.test("an error of `accepts` is the answer's, and nothing stays behind", async (t) => {
  const folder = ownFolder(t);
  const accepts = 'accepts({ name }) { if (name === "b") throw new Error("mine"); return true; }';
  const { url } = await serving(t, { folder }, accepts);
  const form = new FormData();
  form.append("a", new File(["a"], "a"));
  t.equal((await post(url, form))[0], 200);
  form.append("b", new File(["b"], "b"));
  t.strictSame(await post(url, form), [500, "mine"]);
  t.strictSame(readdirSync(folder), []);
});

t.test("a promise of `accepts` takes no file", async (t) => {
  const folder = ownFolder(t);
  const accepts = "accepts: ({ name }) => name === 'b' ? Promise.reject(0) : Promise.resolve(true)";
  const { url } = await serving(t, { folder }, accepts);
  for (const name of ["a", "b"]) {
    const form = new FormData();
    form.append("a", new File(["a"], name));
    t.strictSame(await post(url, form), [
      500, "The accepts of withForm has returned a promise, and must say it at once",
    ]);
  }
  t.strictSame(readdirSync(folder), []);
});

t.test("options that are none", (t) => {
  const wrong: unknown[] = [
    { filesMax: 0 }, { bytesMax: 1.5 }, { fileMax: 1 }, { accepts: async () => false },
    { accepts: true }, { folder: 5 }, { folder: "" }, { folder: "package.json" },
  ];
  for (const handler of [undefined, null, { handle: () => "" }, "handler"]) {
    t.throws(() => withForm(handler as never), new TypeError(
      "withForm: its handler is a function"));
  }
  for (const options of wrong) {
    t.throws(() => withForm(() => undefined, options as FormOptions), TypeError);
  }
  t.end();
});
