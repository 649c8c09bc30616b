/**
 * What Millrace makes of the bytes of a connection. With `workers: 0` it runs on the loop of the
 * test, so that a turn of the loop between two writes makes two reads.
 */
import { connect } from "node:net";
import { once } from "node:events";
import { withoutDate } from "../conformance.ts";
import { within } from "../deadline.ts";
import { repositoryFile } from "../environment.ts";
import type { Owner } from "../folder.ts";
import { parseResponse, type RawResponse } from "../raw-response.ts";
import { startServer } from "../server.ts";
import { type Seen, SERVER_OPTIONS } from "./verdict.ts";

export interface MillraceSide {
  /** All that comes back, without dates and interim answers. */
  transcript(input: string, cuts?: readonly number[]): Promise<string>;
}

const APP = repositoryFile("test/fixtures/fuzz-app.mjs");
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export async function startMillrace(owner: Owner, workers: number): Promise<MillraceSide> {
  const { port } = await startServer(owner, { app: APP, workers });
  return {
    async transcript(input, cuts = []) {
      const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
      const received: Buffer[] = [];
      socket.on("data", (data: Buffer) => received.push(data));
      // Who writes on after an answer with `Connection: close` may be reset.
      socket.on("error", () => undefined);
      const closed = once(socket, "close").catch(() => undefined);
      await once(socket, "connect");
      socket.setNoDelay(true);
      const bytes = Buffer.from(input, "latin1");
      let from = 0;
      for (const cut of cuts) {
        socket.write(bytes.subarray(from, cut));
        from = cut;
        for (let turns = 0; turns < 3; turns++) await turn();
      }
      socket.end(bytes.subarray(from));
      await within(() => `the end of ${JSON.stringify(input)}`, closed);
      return stable(Buffer.concat(received).toString("latin1"));
    },
  };
}

/** Whether 100 is sent depends on what of the body is here already, as RFC 9110 10.1.1 has it. */
function stable(transcript: string): string {
  return withoutDate(transcript).replaceAll("HTTP/1.1 100 Continue\r\n\r\n", "");
}

/** Reads a transcript strictly: what is no response, or is left over, is an error. */
export function seenIn(transcript: string): Seen {
  const requests: string[] = [];
  let refused: string | null = null;
  let rest = Buffer.from(transcript, "latin1");
  while (rest.length > 0) {
    if (refused !== null) throw new Error(`an answer after a refusal: ${rest.toString("latin1")}`);
    const response = parseAnswer(rest);
    if (response === undefined) throw new Error(`half an answer: ${rest.toString("latin1")}`);
    const saw = response.header("x-saw");
    if (saw !== undefined) requests.push(saw);
    else if (isServerOptions(response)) requests.push(SERVER_OPTIONS);
    else refused = String(response.status);
    rest = rest.subarray(response.length);
  }
  return { requests, refused };
}

/** An answer to HEAD says so, but for a refusal: that is one if it is none to GET. */
function parseAnswer(rest: Buffer): RawResponse | undefined {
  const isHead = /\r\nX-Saw: HEAD /i.test(rest.toString("latin1", 0, rest.indexOf("\r\n\r\n")));
  const isGet = isHead ? undefined : parseResponse(rest, "GET", true);
  return isGet ?? parseResponse(rest, "HEAD", true);
}

/** `OPTIONS *` is answered by the server itself. */
function isServerOptions(response: RawResponse): boolean {
  return response.status === 204 && response.header("allow") !== undefined;
}
