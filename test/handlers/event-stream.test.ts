/** Tests of server-sent events: what is written, and streams of a real server. */
import t from "tap";
import {
  eventStream, formatEvent, type EventSender, type ServerSentEvent,
} from "../../src/handlers/event-stream.ts";
import { until } from "../support/deadline.ts";
import { startApp } from "../support/server.ts";

const MODULE = new URL("../../src/handlers/event-stream.js", import.meta.url).href;

t.test("an event is written as the standard has it", (t) => {
  const cases: readonly (readonly [ServerSentEvent | string, string])[] = [
    ["hello", "data: hello\n\n"],
    ["", "data: \n\n"],
    ["two\nlines\r\nand\rmore", "data: two\ndata: lines\ndata: and\ndata: more\n\n"],
    [{ data: { a: 1 } }, 'data: {"a":1}\n\n'],
    [{ data: null }, "data: null\n\n"],
    [
      { event: "time", id: "7", retry: 100, data: "x" },
      "event: time\nid: 7\nretry: 100\ndata: x\n\n",
    ],
    [{ id: "" }, "id: \n\n"],
    [{ comment: "a\nb" }, ": a\n: b\n\n"],
    [{ retry: 0 }, "retry: 0\n\n"],
  ];
  for (const [event, text] of cases) t.equal(formatEvent(event), text);
  t.end();
});

t.test("what would be read as something else is refused", (t) => {
  const events: ServerSentEvent[] = [
    { event: "a\nb" }, { event: "a\r" }, { id: "a\nb" }, { id: "a\0b" }, { retry: -1 },
    { retry: 1.5 }, { data: () => 1 },
  ];
  for (const event of events) t.throws(() => formatEvent(event), TypeError);
  for (const heartbeatMs of [-1, 1.5, 2 ** 31, Number.NaN]) {
    t.throws(() => eventStream([], { heartbeatMs }), RangeError);
  }
  t.end();
});

t.test("what is no text of an event, no source and no option is a TypeError at once", (t) => {
  for (const name of ["id", "event", "comment"]) {
    for (const value of [5, null, {}]) {
      const event = { data: "x", [name]: value } as ServerSentEvent;
      t.throws(() => formatEvent(event), new TypeError(`The ${name} of an event is a string`));
    }
  }
  for (const event of [null, undefined, 5]) {
    t.throws(() => formatEvent(event as never), { message: "An event is an object or a string" });
  }
  for (const source of [undefined, null, 5, {}]) {
    t.throws(() => eventStream(source as never), {
      name: "TypeError", message: "eventStream: the source is not iterable",
    });
  }
  t.throws(() => eventStream([], { heartbeat: 5 } as object), {
    name: "TypeError", message: 'eventStream: no option "heartbeat", did you mean heartbeatMs?',
  });
  t.end();
});

t.test("an answer of events, whose headers may be others", async (t) => {
  const answer = eventStream(["a", { data: "b" }]);
  t.equal(answer.headers.get("content-type"), "text/event-stream");
  t.equal(answer.headers.get("cache-control"), "no-cache");
  t.equal(await answer.text(), "data: a\n\ndata: b\n\n");
  const other = eventStream([], { headers: { "cache-control": "no-store", "x-a": "1" } });
  t.equal(other.headers.get("cache-control"), "no-store");
  t.equal(other.headers.get("x-a"), "1");
});

t.test("a function sends in its order, and the answer ends with it", async (t) => {
  const answer = eventStream(async (events) => {
    void events.send("a");
    void events.send("b");
    await events.send("c");
    await t.rejects(events.send({ event: "\n" }), TypeError);
  });
  t.equal(await answer.text(), "data: a\n\ndata: b\n\ndata: c\n\n");
});

t.test("what a function throws cuts the answer behind what was sent", async (t) => {
  const answer = eventStream((events) => {
    void events.send("a");
    throw new Error("no more");
  });
  const reader = answer.body!.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  t.equal(Buffer.from((await reader.read()).value!).toString(), "data: a\n\n");
  await t.rejects(reader.read(), { message: "no more" });
});

t.test("a client that has gone ends the function's signal, and sending resolves", async (t) => {
  let sender: EventSender | undefined;
  const answer = eventStream((events) => {
    sender = events;
    return new Promise((resolve) => events.signal.addEventListener("abort", () => resolve()));
  });
  const reader = answer.body!.getReader();
  const read = reader.read();
  await until("the function to run", () => sender !== undefined);
  await sender!.send("a");
  await read;
  const second = sender!.send("b");
  await reader.cancel();
  await second;
  t.equal(sender!.signal.aborted, true);
  await sender!.send("nobody hears it");
});

t.test("a reset while nothing is sent ends the source without a heartbeat", async (t) => {
  const { connect, server } = await startApp(t, `
    import { eventStream } from ${JSON.stringify(MODULE)};
    import { ndjson } from ${JSON.stringify(new URL("ndjson.js", MODULE).href)};
    let ended = 0;
    let isBegun = false;
    const source = () => ({
      [Symbol.asyncIterator]: () => ({
        next() {
          if (isBegun) return new Promise(() => {});
          isBegun = true;
          return { done: false, value: "begun" };
        },
        return: () => { ended++; return { done: true }; },
      }),
    });
    const routes = {
      "/function": () => eventStream(async (events) => {
        events.signal.addEventListener("abort", () => ended++);
        await events.send("begun");
        await new Promise(() => {});
      }, { heartbeatMs: 0 }),
      "/iterable": () => eventStream(source(), { heartbeatMs: 600_000 }),
      "/lines": () => ndjson(source()),
      "/ended": () => {
        isBegun = false;
        return new Response(String(ended));
      },
    };
    export default { routes };
  `);
  const ended = async () => Number(await (await fetch(new URL("/ended", server.url))).text());
  for (const [i, path] of ["/function", "/iterable", "/lines"].entries()) {
    t.equal(await ended(), i);
    const client = await connect();
    client.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await until("the stream to begin", () => client.pending.includes("begun"));
    client.socket.resetAndDestroy();
    await until(`the end of ${path}`, async () => await ended() === i + 1);
  }
});

t.test("over a connection: events, heartbeats, and the end of the client", async (t) => {
  const { connect, server } = await startApp(t, `
    import { eventStream } from ${JSON.stringify(MODULE)};
    const state = { running: 0 };
    export default { routes: {
      "/events": () => eventStream(async (events) => {
        state.running++;
        await events.send({ event: "first", data: { n: 1 } });
        await new Promise((resolve) => events.signal.addEventListener("abort", resolve));
        state.running--;
      }, { heartbeatMs: 20 }),
      "/state": () => Response.json(state),
    } };
  `);
  const client = await connect();
  client.write("GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
  await until("heartbeats", () => client.pending.split(":\n\n").length > 3);
  t.match(client.pending, /event: first\ndata: \{"n":1\}\n\n/);
  const state = async (): Promise<number> => {
    const answer = await fetch(new URL("/state", server.url));
    return ((await answer.json()) as { running: number }).running;
  };
  t.equal(await state(), 1);
  client.close();
  await until("the function to end", async () => (await state()) === 0);
});
