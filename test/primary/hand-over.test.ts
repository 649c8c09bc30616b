/** Tests of the channel between a process and the one that takes its place. */
import { Duplex, PassThrough } from "node:stream";
import { once } from "node:events";
import t from "tap";
import { HandOverChannel } from "../../src/primary/hand-over.ts";
import { within } from "../support/deadline.ts";

interface Ends {
  readonly channel: HandOverChannel;
  readonly incoming: PassThrough;
  readonly outgoing: PassThrough;
}

function ends(): Ends {
  const [incoming, outgoing] = [new PassThrough(), new PassThrough()];
  const stream = Duplex.from({ readable: incoming, writable: outgoing });
  return { channel: new HandOverChannel(stream), incoming, outgoing };
}

t.test("messages arrive in order, however they are cut, and then the end", async (t) => {
  const { channel, incoming } = ends();
  const text = '{"type":"ready","listeners":["é","b"]}\n{"type":"taken"}\n';
  for (const byte of Buffer.from(text)) incoming.write(Buffer.from([byte]));
  t.strictSame(await within("ready", channel.receive()), {
    type: "ready", listeners: ["é", "b"],
  });
  incoming.end();
  t.strictSame(await within("taken", channel.receive()), { type: "taken" });
  t.equal(await within("the end", channel.receive()), null);
  t.equal(await within("the end again", channel.receive()), null);
});

t.test("what is no message ends it", async (t) => {
  const { channel, incoming } = ends();
  incoming.write("not json\n");
  t.equal(await within("the end", channel.receive()), null);
  const long = ends();
  long.incoming.write("x".repeat(70_000));
  t.equal(await within("the end", long.channel.receive()), null);
});

t.test("what was sent before it is closed still leaves", async (t) => {
  const { channel, outgoing } = ends();
  channel.send({ type: "take" });
  channel.close();
  let sent = "";
  outgoing.setEncoding("utf8").on("data", (chunk: string) => (sent += chunk));
  await once(outgoing, "end");
  t.equal(sent, '{"type":"take"}\n');
  channel.send({ type: "taken" });
  t.equal(await channel.receive(), null);
});
