/** Tests of the reverse proxy, in front of a server of node:http. */
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { type AddressInfo, createServer as createNetServer } from "node:net";
import { gzipSync } from "node:zlib";
import t from "tap";
import { proxy, type ProxyOptions } from "../../src/handlers/proxy.ts";
import { until, within } from "../support/deadline.ts";
import { type Echoed, echo, fieldOf, MODULE, proxyTo, targetOf } from "../support/proxy-target.ts";
import { startApp } from "../support/server.ts";

t.test("a request goes on with its path, fields and body", async (t) => {
  const target = await targetOf(t, echo);
  const { url, connect } = await proxyTo(t, `${target.url}/base/`);
  const client = await connect();
  const raw = await client.request(
    "GET /a%20b/%2f?x=1&y HTTP/1.1\r\nHost: front.example\r\nX-Two: 1\r\nX-Two: 2\r\n" +
      "Connection: X-Own\r\nX-Own: 1\r\nX-Forwarded-For: 198.51.100.9\r\n\r\n",
  );
  const got = JSON.parse(raw.body) as Echoed;
  t.match(got, { method: "GET", url: "/base/a%20b/%2f?x=1&y", body: "" });
  t.equal(fieldOf(got, "host"), new URL(target.url).host);
  t.equal(fieldOf(got, "x-own"), undefined);
  t.equal(fieldOf(got, "x-forwarded-for"), "198.51.100.9, 127.0.0.1");
  t.equal(fieldOf(got, "x-forwarded-host"), "front.example");
  t.equal(got.rawHeaders.filter((each) => each === "X-Two").length, 2);
  t.equal(raw.header("via"), "1.1 millrace");

  const posted = await fetch(`${url}/p`, { method: "POST", body: "content" });
  const whole = (await posted.json()) as Echoed;
  t.match(whole, { method: "POST", url: "/base/p", body: "content" });
  t.equal(fieldOf(whole, "content-length"), "7");
  const chunked = await client.request(
    "PUT /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
  );
  t.match(JSON.parse(chunked.body), { body: "abc", method: "PUT" });

  client.write("PUT /c HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  await until("100", () => client.pending === "HTTP/1.1 100 Continue\r\n\r\n");
  client.write("abc");
  await until("the answer", () => client.pending.includes('"body":"abc"'));
});

t.test("the framing follows from the body alone, so no other request hides in it", async (t) => {
  const asked: string[] = [];
  const target = await targetOf(t, (request, response) => {
    asked.push(`${request.method} ${request.url}`);
    echo(request, response);
  });
  const methods = ["GET", "DELETE", "OPTIONS", "POST"];
  const { connect } = await proxyTo(t, target.url, { headers: { "X-User": "guest" } }, methods);
  const hidden = "GET /internal HTTP/1.1\r\nHost: a\r\nX-User: root\r\n\r\n";
  for (const method of methods) {
    const client = await connect();
    const raw = await client.request(
      `${method} /open HTTP/1.1\r\nHost: a\r\nConnection: Content-Length, X-User\r\n` +
        `Content-Length: ${hidden.length}\r\n\r\n${hidden}`,
    );
    const got = JSON.parse(raw.body) as Echoed;
    t.match(got, { method, url: "/open", body: hidden });
    t.equal(fieldOf(got, "content-length"), String(hidden.length));
    t.equal(fieldOf(got, "x-user"), "guest");
  }
  t.strictSame(asked, methods.map((method) => `${method} /open`));
});

t.test("a body that was decoded goes on as such", async (t) => {
  const target = await targetOf(t, echo);
  const { url } = await startApp(t, `
    import { proxy } from ${JSON.stringify(MODULE)};
    const ask = proxy(${JSON.stringify(target.url)});
    export default { routes: {
      "/decoded": { decodeBodies: true, handle: ask },
      "/coded": ask,
    } };
  `);
  const body = gzipSync("text ".repeat(100));
  const ask = async (path: string): Promise<Echoed> => {
    const headers = { "content-encoding": "gzip" };
    const answer = await fetch(url + path, { method: "POST", body, headers });
    return (await answer.json()) as Echoed;
  };
  const decoded = await ask("/decoded");
  t.equal(decoded.body, "text ".repeat(100));
  const names = ["content-encoding", "content-length", "transfer-encoding"];
  t.strictSame(names.map((name) => fieldOf(decoded, name)), [undefined, undefined, "chunked"]);
  const coded = await ask("/coded");
  t.equal(coded.body, body.toString("latin1"));
  t.strictSame(names.map((name) => fieldOf(coded, name)), ["gzip", String(body.length), undefined]);
});

t.test("the options: prefix, host, fields", async (t) => {
  const target = await targetOf(t, echo);
  const { url, connect } = await proxyTo(t, target.url, {
    stripPrefix: "/api", preserveHost: true, headers: { "X-Added": "1", "User-Agent": null },
  });
  const asked = async (path: string): Promise<Echoed> => (
    (await (await fetch(url + path)).json()) as Echoed
  );
  t.equal((await asked("/api/x?y")).url, "/x?y");
  t.equal((await asked("/api")).url, "/");
  t.equal((await asked("/api?y")).url, "/?y");
  t.equal((await fetch(`${url}/apiary`)).status, 404);
  t.equal((await fetch(`${url}/other`)).status, 404);
  const got = await asked("/api/x");
  t.equal(fieldOf(got, "x-added"), "1");
  t.equal(fieldOf(got, "user-agent"), undefined);
  const client = await connect();
  const raw = await client.request("GET /api/x HTTP/1.1\r\nHost: front.example\r\n\r\n");
  t.equal(fieldOf(JSON.parse(raw.body) as Echoed, "host"), "front.example");
});

t.test("an answer comes back as it is: coding, redirect, cookies, reason, trailers", async (t) => {
  const coded = gzipSync("text ".repeat(100));
  const target = await targetOf(t, (request, response) => {
    switch (request.url) {
      case "/gzip":
        response.writeHead(200, { "Content-Encoding": "gzip", "Content-Length": coded.length });
        response.end(coded);
        break;
      case "/moved":
        response.writeHead(302, "Over There", { Location: "/there", "Set-Cookie": ["a=1", "b=2"] });
        response.end();
        break;
      case "/hints":
        response.writeEarlyHints({ link: "</a.css>; rel=preload" });
        response.end("hinted");
        break;
      case "/none":
        response.writeHead(204).end();
        break;
      case "/fresh":
        response.writeHead(304, { ETag: '"a"' }).end();
        break;
      default:
        response.writeHead(200, { Trailer: "X-Sum", "Keep-Alive": "timeout=1" });
        response.write("a");
        response.addTrailers({ "X-Sum": "97" });
        response.end("b");
    }
  });
  const { connect } = await proxyTo(t, target.url);
  const client = await connect();
  const get = async (path: string) => (
    await client.request(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
  );
  const gzip = await get("/gzip");
  t.equal(gzip.header("content-encoding"), "gzip");
  t.equal(gzip.header("content-length"), String(coded.length));
  t.ok(Buffer.from(gzip.bodyBytes).equals(coded));
  const moved = await get("/moved");
  t.equal(moved.status, 302);
  t.equal(moved.statusText, "Over There");
  const cookies = moved.headers.filter(([name]) => name.toLowerCase() === "set-cookie");
  t.strictSame(cookies.map(([, value]) => value), ["a=1", "b=2"]);
  t.equal((await get("/none")).status, 204);
  t.equal((await get("/fresh")).header("etag"), '"a"');
  const summed = await get("/trailers");
  t.equal(summed.body, "ab");
  t.strictSame(summed.trailers.map(([name, value]) => [name.toLowerCase(), value]), [
    ["x-sum", "97"],
  ]);
  t.equal(summed.header("keep-alive"), undefined);
  const hinted = await connect();
  hinted.write("GET /hints HTTP/1.1\r\nHost: a\r\n\r\n");
  await until("the answer behind the hint", () => hinted.pending.endsWith("hinted"));
  t.match(hinted.pending, /^HTTP\/1\.1 103 Early Hints\r\nlink: <\/a\.css>; rel=preload\r\n\r\n/i);
});

t.test("what cannot be sent on of an answer does not fail it", async (t) => {
  const heads: Record<string, string> = {
    "/reset": "205 Reset Content\r\nContent-Length: 0\r\n\r\n",
    "/chunked": "205 Reset Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "/unannounced": "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
      "4\r\nbody\r\n0\r\nX-Sum: 1\r\n\r\n",
    "/refused": "200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Authorization, X-Sum\r\n\r\n" +
      "4\r\nbody\r\n0\r\nAuthorization: a\r\nX-Sum: 2\r\n\r\n",
  };
  const target = createNetServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (head) => {
      socket.write(`HTTP/1.1 ${heads[head.toString("latin1").split(" ")[1]!]}`);
    });
  });
  target.listen(0, "127.0.0.1");
  await once(target, "listening");
  t.teardown(() => target.close());
  const { port } = target.address() as AddressInfo;
  const { connect } = await proxyTo(t, `http://127.0.0.1:${port}`);
  const client = await connect();
  const get = async (path: string) => (
    await client.request(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
  );
  t.equal((await get("/reset")).status, 205);
  t.equal((await get("/chunked")).status, 205);
  t.match(await get("/unannounced"), { status: 200, body: "body" });
  const refused = await get("/refused");
  t.match(refused, { status: 200, body: "body" });
  t.strictSame(refused.trailers.map(([name, value]) => [name.toLowerCase(), value]), [
    ["x-sum", "2"],
  ]);
});

t.test("hints that come when someone else has answered harm nobody", async (t) => {
  let waiting: ServerResponse | undefined;
  const target = await targetOf(t, (_, response) => (waiting = response));
  const { url } = await startApp(t, `
    import { proxy } from ${JSON.stringify(MODULE)};
    const ask = proxy(${JSON.stringify(target.url)});
    let asked;
    export default { routes: {
      "/late": (request, context) => {
        asked = ask(request, context);
        return new Response("not waited for");
      },
      "/after": async () => new Response(String((await asked).status)),
    } };
  `);
  t.equal(await (await fetch(`${url}/late`)).text(), "not waited for");
  await until("the target to be asked", () => waiting !== undefined);
  waiting!.writeEarlyHints({ link: "</a.css>; rel=preload" });
  waiting!.end();
  t.equal(await (await fetch(`${url}/after`)).text(), "200");
});

t.test("a target that cannot be asked, is late, or speaks no HTTP", async (t) => {
  const silent = createNetServer((socket) => socket.on("error", () => {}));
  const odd = createNetServer((socket) => socket.end("SSH-2.0-odd\r\n"));
  const ports: number[] = [];
  for (const server of [silent, odd]) {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    ports.push((server.address() as AddressInfo).port);
    t.teardown(() => server.close());
  }
  const late = await proxyTo(t, `http://127.0.0.1:${ports[0]}`, { timeoutMs: 50 });
  t.equal((await fetch(late.url)).status, 504);
  const wrong = await proxyTo(t, `http://127.0.0.1:${ports[1]}`);
  t.equal((await fetch(wrong.url)).status, 502);
  odd.close();
  const gone = await proxyTo(t, "http://127.0.0.1:1");
  t.equal((await fetch(gone.url)).status, 502);
});

t.test("the name of a target of https is its own, whatever Host the client says", async (t) => {
  const hellos: string[] = [];
  const target = createNetServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (hello) => {
      hellos.push(hello.toString("latin1"));
      socket.destroy();
    });
  });
  for (const [host, name] of [["localhost", "localhost"], ["127.0.0.1", null]] as const) {
    target.listen(0, host);
    await once(target, "listening");
    const url = `https://${host}:${(target.address() as AddressInfo).port}`;
    const { connect } = await proxyTo(t, url, { preserveHost: true });
    const client = await connect();
    const answer = await client.request("GET / HTTP/1.1\r\nHost: public.example\r\n\r\n");
    t.equal(answer.status, 502);
    const hello = hellos.pop()!;
    t.notMatch(hello, "public.example");
    if (name === null) t.notMatch(hello, host);
    else t.match(hello, name);
    target.close();
    await once(target, "close");
  }
});

t.test("a target that switches protocols is none that can be asked", async (t) => {
  const heads: Record<string, string> = {
    "GET /upgraded": "101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x",
    "GET /switched": "101 Switching Protocols",
    "CONNECT /": "200 OK",
    "GET /odd": "799 Odd",
  };
  const target = createNetServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (head) => {
      const [line = ""] = head.toString("latin1").split(" HTTP/1.1", 1);
      socket.write(`HTTP/1.1 ${heads[line]}\r\n\r\n`);
    });
  });
  target.listen(0, "127.0.0.1");
  await once(target, "listening");
  t.teardown(() => target.close());
  const { port } = target.address() as AddressInfo;
  const { connect } = await proxyTo(t, `http://127.0.0.1:${port}`, {}, ["GET", "CONNECT"]);
  for (const line of Object.keys(heads)) {
    const client = await connect();
    client.write(`${line.replace("CONNECT /", "CONNECT a:80")} HTTP/1.1\r\nHost: a:80\r\n\r\n`);
    await until(`the answer to ${line}`, () => client.pending !== "");
    t.match(client.pending, /^HTTP\/1\.1 502 /, line);
  }
});

t.test("a body that someone else reads or has read is the app's error", async (t) => {
  const target = await targetOf(t, echo);
  const { url } = await startApp(t, `
    import { proxy } from ${JSON.stringify(MODULE)};
    const ask = proxy(${JSON.stringify(target.url)}, { timeoutMs: 1 });
    export default {
      async fetch(request, context) {
        if (request.url.endsWith("/read")) await request.text();
        else request.body.getReader();
        return await ask(request, context);
      },
      error: (error) => new Response(error.message),
    };
  `);
  for (const path of ["/read", "/held", "/read"]) {
    const answer = await fetch(url + path, { method: "POST", body: "content" });
    t.equal(await answer.text(), "Body is unusable: it has already been read");
  }
  t.equal(target.connections.size, 0);
});

t.test("requests that wait for a connection end in time, and with their client", async (t) => {
  const target = await targetOf(t, (request, response) => {
    response.writeHead(200);
    const pieces = setInterval(() => response.write("busy"), 5);
    request.socket.on("close", () => clearInterval(pieces));
  });
  const options = (timeoutMs: number) => JSON.stringify({ connectionsMax: 1, timeoutMs });
  const { url, connect } = await startApp(t, `
    import { proxy } from ${JSON.stringify(MODULE)};
    const short = proxy(${JSON.stringify(target.url)}, ${options(1000)});
    const long = proxy(${JSON.stringify(target.url)}, ${options(600_000)});
    let waiting = 0;
    export default { routes: {
      "/short": short,
      "/long": long,
      "/waiting": () => new Response(String(waiting)),
      "/counted": async (request, context) => {
        waiting += 1;
        try {
          return await long(request, context);
        } finally {
          waiting -= 1;
        }
      },
    } };
  `);
  const waiting = async () => Number(await (await fetch(`${url}/waiting`)).text());
  for (const path of ["/short", "/long"]) {
    const busy = await connect();
    busy.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await until("the only connection to be busy", () => busy.pending.includes("busy"));
  }
  for (const method of ["GET", "POST"]) {
    const body = method === "POST" ? "content" : null;
    const late = await within("the answer", fetch(`${url}/short`, { method, body }));
    t.equal(late.status, 504);
    const client = await connect();
    client.write(`${method} /counted HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\npart`);
    await until("it to wait", async () => await waiting() === 1);
    client.close();
    await until("its end", async () => await waiting() === 0);
  }
  t.equal(target.connections.size, 2);
});

t.test("an answer that breaks off is cut, and a client that goes ends the request", async (t) => {
  const target = await targetOf(t, (request, response) => {
    response.writeHead(200, { "Content-Length": 100 });
    response.write("begun");
    if (request.url === "/broken") setTimeout(() => request.socket.destroy(), 20);
  });
  const { url, connect } = await proxyTo(t, target.url);
  await t.rejects((await fetch(`${url}/broken`)).text());
  const client = await connect();
  client.write("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n");
  await until("its beginning", () => client.pending.endsWith("begun"));
  t.equal(target.connections.size, 1);
  client.close();
  await until("the end of the request", () => target.connections.size === 0);
});

t.test("a kept connection that has ended is not the client's trouble", async (t) => {
  const target = await targetOf(t, echo);
  target.server.keepAliveTimeout = 1;
  const { url } = await proxyTo(t, target.url);
  for (let i = 0; i < 20; i++) {
    const answer = await fetch(url);
    t.equal(answer.status, 200);
    await answer.arrayBuffer();
    await new Promise((resolve) => setTimeout(resolve, i % 4));
  }
});

t.test("options that are none", (t) => {
  const wrong: [string, ProxyOptions][] = [
    ["ftp://a/", {}], ["http://a/?x", {}], ["http://user@a/", {}],
    ["http://a/", { stripPrefix: "api" }], ["http://a/", { stripPrefix: "/api/" }],
    ["http://a/", { timeoutMs: 0 }], ["http://a/", { connectionsMax: 1.5 }], ["no url", {}],
    ["http://a/", { timeoutMs: 2 ** 31 }], ["http://a/", { timeoutMs: NaN }],
    ["http://a/", { preserveHost: "false" as never }],
    ["http://a/", { headers: { "Content-Length": "1" } }],
    ["http://a/", { headers: { "transfer-encoding": null } }],
  ];
  for (const [target, options] of wrong) t.throws(() => proxy(target, options), TypeError);
  t.throws(() => proxy("no url"), new TypeError("proxy: no url is no URL of http or https"));
  t.throws(() => proxy("http://a/", { tls: true as never }), new TypeError(
    "proxy: tls is an object"));
  t.throws(() => proxy("http://a/", { headers: "X-A: b" as never }), new TypeError(
    "proxy: headers is an object"));
  t.throws(() => proxy("http://a/", { headers: { "X A": "b" } }), new TypeError(
    'proxy: "X A" is no name of a header field'));
  for (const value of ["a\nb", "\0", "\u20ac", undefined, 5]) {
    t.throws(() => proxy("http://a/", { headers: { "X-A": value as never } }), new TypeError(
      'proxy: what X-A is set to is the text of a field, or null to take it away'));
  }
  t.doesNotThrow(() => proxy("http://a/", {
    timeoutMs: 2 ** 31 - 1, headers: { "X-A": "\xe9", "X-B": null, "X-C": "" },
  }));
  t.end();
});

t.test("Max-Forwards: the last one answers by itself, others count down", async (t) => {
  const target = await targetOf(t, echo);
  const { connect } = await proxyTo(t, target.url, {}, ["GET", "OPTIONS", "TRACE"]);
  const client = await connect();
  const ask = async (method: string, field: string) => await client.request(
    `${method} /a HTTP/1.1\r\nHost: a\r\n${field}\r\n\r\n`,
  );
  const left = async (method: string, field: string): Promise<string | undefined> => (
    fieldOf(JSON.parse((await ask(method, field)).body) as Echoed, "max-forwards")
  );
  t.equal((await ask("OPTIONS", "Max-Forwards: 0")).status, 204);
  t.equal((await ask("OPTIONS", "max-forwards: 000")).status, 204);
  t.equal((await ask("TRACE", "Max-Forwards: 0")).status, 501);
  t.equal(target.connections.size, 0, "nothing has gone on");
  t.equal(await left("OPTIONS", "Max-Forwards: 5"), "4");
  t.equal(await left("TRACE", "Max-Forwards: 1"), "0");
  t.equal(await left("OPTIONS", `Max-Forwards: ${"9".repeat(400)}`), "2147483647");
  t.equal(await left("OPTIONS", "X-A: b"), undefined);
  t.equal(await left("OPTIONS", "Max-Forwards: -1"), "-1", "it is none");
  t.equal(await left("GET", "Max-Forwards: 0"), "0", "it is of no concern");
});

t.test("Via says which version has come, of the request and of the answer", async (t) => {
  const server = createNetServer((socket) => {
    socket.once("data", (head) => {
      const via = /^via: (.*)\r$/im.exec(head.toString())?.[1] ?? "none";
      socket.end(`HTTP/1.0 200 OK\r\nVia: 1.1 other\r\n\r\n${via}`);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const { connect } = await proxyTo(t, `http://127.0.0.1:${port}`);
  for (const version of ["1.0", "1.1"]) {
    const client = await connect();
    const answer = await client.request(
      `GET / HTTP/${version}\r\nHost: a\r\nConnection: close\r\n\r\n`,
    );
    t.match(answer.body, `${version} millrace`);
    t.equal(answer.header("via"), "1.1 other, 1.0 millrace");
  }
});
