/**
 * What rows of an ordered table ask of a request beside its path, method and extension: found out
 * for each request, since a repeated path says nothing of it. Thread: the engine's.
 */
import type { Context, MillraceRequest } from "../shared/app.ts";
import type { HeaderTest, OrderedFacts } from "../shared/conditions.ts";

const ORIGIN = /^(https?):\/\/([^/]*)/;
const PORT = /:\d+$/;

/** Whether it asks for anything that path and method do not say. */
export function isConditional(facts: OrderedFacts): boolean {
  return isForSome(facts) || facts.contentTypes.length > 0;
}

/**
 * Whether it is for some requests for its path alone, whatever their method. What type of body it
 * takes is not of that kind: a request of another method need not have one.
 */
export function isForSome({ hosts, headers, listeners, protocol }: OrderedFacts): boolean {
  return protocol !== "" || [hosts, headers, listeners].some((list) => list.length > 0);
}

export class Conditions {
  readonly #facts: OrderedFacts;
  readonly #headers: readonly { readonly test: HeaderTest; readonly regex: RegExp | null }[];

  constructor(facts: OrderedFacts) {
    this.#facts = facts;
    this.#headers = facts.headers.map((test) => {
      return { test, regex: test.is === "like" ? new RegExp(test.text, test.flags) : null };
    });
  }

  hold(request: MillraceRequest, context: Context): boolean {
    const { listeners, contentTypes } = this.#facts;
    const { id, name } = context.listener;
    if (listeners.length > 0 && !(listeners.includes(id) || listeners.includes(name))) return false;
    if (!this.#isFrom(request)) return false;
    if (contentTypes.length > 0 && !isOfType(request.headers, contentTypes)) return false;
    return this.#headers.every(({ test, regex }) => isHeader(request.headers, test, regex));
  }

  /** As the request's URL has them: what trusted proxies say counts. */
  #isFrom({ url }: MillraceRequest): boolean {
    const { hosts, protocol } = this.#facts;
    if (hosts.length === 0 && protocol === "") return true;
    const [, scheme, host] = ORIGIN.exec(url)!;
    if (protocol !== "" && scheme !== protocol) return false;
    return hosts.length === 0 || hosts.some((each) => isHost(host!, each, scheme!));
  }
}

function isHost(host: string, wanted: string, scheme: string): boolean {
  // Of an IPv6 address the brackets end what is no port.
  const name = PORT.test(wanted) ? withPort(host, scheme) : host.replace(PORT, "");
  return wanted.startsWith("*.") ? name.endsWith(wanted.slice(1)) : name === wanted;
}

/** A URL leaves out the port that its scheme has anyway. */
function withPort(host: string, scheme: string): string {
  return PORT.test(host) ? host : `${host}:${scheme === "https" ? 443 : 80}`;
}

function isOfType(headers: Headers, wanted: readonly string[]): boolean {
  const type = headers.get("content-type")?.split(";", 1)[0]!.trim().toLowerCase();
  if (type === undefined) return false;
  return wanted.some((each) => (
    each.endsWith("/*") ? type.startsWith(each.slice(0, -1)) : type === each
  ));
}

function isHeader(headers: Headers, { name, is, text }: HeaderTest, regex: RegExp | null): boolean {
  const value = headers.get(name);
  if (is === "absent" || value === null) return is === "absent" && value === null;
  if (is === "equal") return value === text;
  return regex === null || regex.test(value);
}
