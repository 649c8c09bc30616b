/**
 * `fetch` for workers: it takes our Requests where the runtime's one would not, and fits what a
 * client has sent for the way to another server, for `return fetch(upstream, request)` is a proxy:
 * fields of the client's connection stay behind. (`Host` is always that of the URL: the runtime's
 * fetch sees to that.) Any thread.
 */
import { dropHopByHop, isDecodedCoding, noteFetched } from "./decoded.ts";
import { isReceived } from "./headers.ts";
import { isLightRequest, LightRequest, originOf, sendableOf, standardOf } from "./request.ts";

type Fetch = typeof globalThis.fetch;
type FetchInput = Parameters<Fetch>[0];
type FetchInit = Parameters<Fetch>[1];

/** `original`, taking light objects too. Its answers stay the runtime's own. */
export function wrapFetch(original: Fetch): Fetch {
  const call = async (input: FetchInput, init: FetchInit): Promise<Response> => {
    const light = isLightRequest(input) || isReceived(init?.headers);
    return noteFetched(light ? await original(toSend(input, init)) : await original(input, init));
  };
  // The name and the length that the runtime's function has.
  const named = { fetch: (input: FetchInput, ...rest: [FetchInit?]) => call(input, rest[0]) };
  return named.fetch;
}

/** The runtime's Request to send, fitted for the way if it has the fields of a client. */
function toSend(input: FetchInput, init: FetchInit): Request {
  if (init === undefined && isLightRequest(input)) {
    const standard = standardOf(input);
    if (standard !== null && originOf(standard) === null) return sendableOf(input);
  }
  // A new one, so that the headers of the app's own stay as they are.
  const standard = sendableOf(new LightRequest(input, init));
  const origin = originOf(standard);
  if (origin !== null) fitHeaders(standard.headers, origin.isWhole);
  return standard;
}

function fitHeaders(headers: Headers, isWhole: boolean): void {
  dropHopByHop(headers);
  headers.delete("expect");
  if (!isWhole) headers.delete("content-length");
  const accepted = headers.get("accept-encoding");
  if (accepted === null) return;
  // What the runtime could not decode must not be asked for: nobody on the way would.
  const codings = accepted.split(",").filter(isAcceptable);
  headers.set("accept-encoding", codings.length === 0 ? "identity" : codings.join(","));
}

function isAcceptable(coding: string): boolean {
  const name = coding.split(";", 1)[0]!;
  return name.trim() === "identity" || isDecodedCoding(name);
}
