/**
 * Request with the whole behaviour of the standard class. One that the server has received reads
 * from its source when a member is asked for, and costs one object until then; one that an app
 * makes with `new Request` is a shell around the runtime's own. The source stays readable for as
 * long as somebody holds the Request. Any thread.
 */
import type { CookieMap } from "../shared/cookies.ts";
import { isStreamRead, isStreamTaken, usedStream } from "./body.ts";
import { splitBody } from "./body-split.ts";
import { RequestCookies } from "./cookie-map.ts";
import { asStandard } from "./form.ts";
import { headersFromRaw, isReceived, LightHeaders } from "./headers.ts";
import type { BodySource, RequestSource } from "./request-source.ts";
import { isInstance, needArguments, standFor, StandardRequest } from "./standard.ts";

type RequestInfo = ConstructorParameters<typeof Request>[0];
type RequestInit = ConstructorParameters<typeof Request>[1];

/** Makes the Request of what the server has received. */
export let requestFrom: (source: RequestSource) => LightRequest;
/**
 * The runtime's Request behind one that an app has made, null if the server has received it. Its
 * body is not to be used: that of a client is read by ours.
 */
export let standardOf: (request: LightRequest) => Request | null;
/** One of the runtime for a Request that an app has made, with its body, to be sent. */
export let sendableOf: (request: LightRequest) => Request;
export let isLightRequest: (value: unknown) => value is LightRequest;

/** What a client sends, as another Request is given it. */
interface TakenBody {
  readonly body: BodySource;
  readonly stream: ReadableStream<Uint8Array> | null;
  /** The other Request has been made. */
  done(): void;
}

/** Takes the body for another Request. Null: there is none, or it is not a client's. */
let takeBody: (request: LightRequest) => TakenBody | null;
/** Gives its stream to another Request too, as the `body` of an init. Null: likewise. */
let shareBody: (request: LightRequest) => TakenBody | null;

/** A Request that an app makes: the runtime's, and the body if that is a client's. */
interface Made {
  readonly standard: Request;
  readonly taken: TakenBody | null;
}

// Given as the second argument, these say what the first is. No app can have them.
const FROM_SOURCE = {};
const FROM_STANDARD = {};

/** Stands in the runtime's Requests for the body of a client. It implies no type. */
const PLACEHOLDER = new Uint8Array(0);

/** What a Request has that was made from a URL alone, and so one that the server has received. */
const DEFAULTS = {
  cache: "default",
  credentials: "same-origin",
  destination: "",
  duplex: "half",
  integrity: "",
  isHistoryNavigation: false,
  isReloadNavigation: false,
  keepalive: false,
  mode: "cors",
  redirect: "follow",
  referrer: "about:client",
  referrerPolicy: "",
} as const;

export class LightRequest implements Request {
  /** Exactly one of these two is not null. */
  readonly #source: RequestSource | null;
  readonly #standard: Request | null;
  #url: string | null = null;
  #headers: LightHeaders | null = null;
  #params: Record<string, string> | null = null;
  #signal: AbortSignal | null = null;
  /** In the place of the source's body: after `clone`, or of a Request made of another. */
  #ownBody: BodySource | null = null;
  /** The stream that `body` has given out. */
  #stream: ReadableStream<Uint8Array> | null = null;
  #used = false;

  declare readonly cache: Request["cache"];
  declare readonly credentials: Request["credentials"];
  declare readonly destination: Request["destination"];
  declare readonly duplex: Request["duplex"];
  declare readonly integrity: Request["integrity"];
  declare readonly keepalive: Request["keepalive"];
  declare readonly mode: Request["mode"];
  declare readonly redirect: Request["redirect"];
  declare readonly referrer: Request["referrer"];
  declare readonly referrerPolicy: Request["referrerPolicy"];

  constructor(input: RequestInfo, init?: RequestInit) {
    if ((init as unknown) === FROM_SOURCE) {
      this.#source = input as unknown as RequestSource;
      this.#standard = null;
    } else {
      needArguments(arguments.length, 1, "Request constructor");
      this.#source = null;
      const isReady = (init as unknown) === FROM_STANDARD;
      const made = isReady ? (input as unknown as Made) : makeStandard(input, init);
      this.#standard = made.standard;
      if (made.taken === null) return;
      this.#ownBody = made.taken.body;
      this.#stream = made.taken.stream;
    }
  }

  static {
    requestFrom = (source) =>
      new LightRequest(source as unknown as RequestInfo, FROM_SOURCE);
    standardOf = (request) => request.#standard;
    isLightRequest = (value): value is LightRequest =>
      typeof value === "object" && value !== null && #source in value;
    sendableOf = (request) => {
      const standard = request.#standard!;
      const stream = request.#stream;
      const isWhole = stream !== null && stream === standard.body;
      if (request.#ownBody === null || isWhole) return standard;
      const init = { body: request.body, duplex: "half" as const };
      const sendable = new StandardRequest(standard, init);
      const origin = originOf(standard);
      if (origin !== null) received.set(sendable, origin.isWhole);
      return sendable;
    };
    takeBody = (request) => {
      if (request.#isStandard()) return null;
      if (request.#isTaken()) {
        throw new TypeError("The body of the Request has already been used");
      }
      const body = request.#body;
      // An empty body is none to the runtime's GET, which may have no body.
      const isNone = body?.length === 0 && /^(?:GET|HEAD)$/.test(request.method);
      if (body === null || isNone) return null;
      return { body, stream: request.#stream, done: () => (request.#used = true) };
    };
    shareBody = (request) => {
      const body = request.#body;
      return body === null ? null : { body, stream: request.body, done() {} };
    };
    for (const [name, value] of Object.entries(DEFAULTS)) {
      const own = {
        get [name](): unknown {
          const standard: Request | null = (this as unknown as LightRequest).#standard;
          return standard === null ? value : standard[name as keyof Request];
        },
      };
      const descriptor = Object.getOwnPropertyDescriptor(own, name)!;
      Object.defineProperty(this.prototype, name, { ...descriptor, enumerable: false });
    }
  }

  static [Symbol.hasInstance](value: unknown): boolean {
    return isInstance(LightRequest, StandardRequest, this, value);
  }

  get method(): string {
    return this.#source === null ? this.#standard!.method : this.#source.method;
  }

  get url(): string {
    if (this.#source === null) return this.#standard!.url;
    return (this.#url ??= this.#source.url());
  }

  get headers(): Headers {
    if (this.#source === null) return this.#standard!.headers;
    return (this.#headers ??= headersFromRaw(this.#source.rawHeaders()));
  }

  /** The parameters of the route; empty for a Request that an app has made. */
  get params(): Record<string, string> {
    return (this.#params ??= this.#source === null ? {} : this.#source.params());
  }

  /** Of a Request that an app has made: they go nowhere. */
  get cookies(): CookieMap {
    if (this.#source !== null) return this.#source.cookies(this.headers);
    let map = madeCookies.get(this);
    if (map === undefined) {
      madeCookies.set(this, (map = new RequestCookies(this.headers.get("cookie"))));
    }
    return map;
  }

  get signal(): AbortSignal {
    if (this.#source === null) return this.#standard!.signal;
    return (this.#signal ??= this.#source.signal());
  }

  get body(): ReadableStream<Uint8Array> | null {
    if (this.#isStandard()) return this.#standard!.body;
    const body = this.#body;
    if (body === null) return null;
    return (this.#stream ??= this.#used ? usedStream() : body.stream());
  }

  get bodyUsed(): boolean {
    if (this.#isStandard()) return this.#standard!.bodyUsed;
    return this.#used || (this.#stream !== null && isStreamRead(this.#stream));
  }

  /** What a client sends; null: nothing. */
  get #body(): BodySource | null {
    return this.#ownBody ?? (this.#source === null ? null : this.#source.body);
  }

  /** All of it is the runtime's, also the body. */
  #isStandard(): boolean {
    return this.#standard !== null && this.#ownBody === null;
  }

  clone(): LightRequest {
    if (this.#isTaken()) throw new TypeError("Request.clone: the body has already been used");
    const clone = this.#source === null ? this.#cloneStandard() : this.#cloneReceived(this.#source);
    const body = this.#body;
    if (body === null) return clone;
    [this.#ownBody, clone.#ownBody] = splitBody(body);
    this.#stream = null;
    return clone;
  }

  #cloneReceived(source: RequestSource): LightRequest {
    const clone = requestFrom(source);
    clone.#url = this.#url;
    if (this.#headers !== null) clone.#headers = new LightHeaders(this.#headers);
    if (this.#params !== null) clone.#params = { ...this.#params };
    return clone;
  }

  #cloneStandard(): LightRequest {
    const ours = this.#standard!;
    const standard =
      this.#ownBody === null ? ours.clone() : new StandardRequest(ours, { body: PLACEHOLDER });
    const origin = originOf(ours);
    if (origin !== null) received.set(standard, origin.isWhole);
    const made: Made = { standard, taken: null };
    return new LightRequest(made as unknown as RequestInfo, FROM_STANDARD);
  }

  // Not async: on the path of most requests with a body, it hands on the promise of the source.
  text(): Promise<string> {
    try {
      return this.#isStandard() ? this.#standard!.text() : this.#text("text");
    } catch (error) {
      return Promise.reject(error);
    }
  }

  // Likewise: a body that is here already is parsed at once, which saves four microtasks.
  json(): Promise<unknown> {
    try {
      if (this.#isStandard()) return this.#standard!.json();
      const body = this.#body;
      if (body?.textNow === undefined) return this.#text("json").then(JSON.parse);
      this.#take("json");
      return Promise.resolve(JSON.parse(body.textNow()));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    if (!this.#isStandard()) return await this.#bytes("bytes");
    return new Uint8Array(await this.#standard!.arrayBuffer());
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    if (this.#isStandard()) return await this.#standard!.arrayBuffer();
    return (await this.#bytes("arrayBuffer")).buffer;
  }

  async blob(): Promise<Blob> {
    if (this.#isStandard()) return await this.#standard!.blob();
    const type = this.headers.get("content-type");
    return await asStandard(await this.#bytes("blob"), type).blob();
  }

  async formData(): Promise<FormData> {
    if (this.#isStandard()) return await this.#standard!.formData();
    const type = this.headers.get("content-type");
    return await asStandard(await this.#bytes("formData"), type).formData();
  }

  #text(method: string): Promise<string> {
    const body = this.#body;
    if (body === null) return Promise.resolve("");
    this.#take(method);
    return body.text();
  }

  #bytes(method: string): Promise<Uint8Array<ArrayBuffer>> {
    const body = this.#body;
    if (body === null) return Promise.resolve(new Uint8Array(0));
    this.#take(method);
    return body.bytes();
  }

  #isTaken(): boolean {
    return this.#used || (this.#stream !== null && isStreamTaken(this.#stream));
  }

  #take(method: string): void {
    if (this.#isTaken()) {
      throw new TypeError(`Request.${method}: Body is unusable: it has already been read`);
    }
    this.#used = true;
  }
}

const madeCookies = new WeakMap<LightRequest, CookieMap>();

/** The runtime's Requests that have the fields of a client; true: and its body. */
const received = new WeakMap<Request, boolean>();

/** Whether this one has the fields of a client, and if so, whether it has its body too. */
export function originOf(standard: Request): { readonly isWhole: boolean } | null {
  const isWhole = received.get(standard);
  return isWhole === undefined ? null : { isWhole };
}

function makeStandard(input: RequestInfo, init: RequestInit): Made {
  const behind = isLightRequest(input) ? standardOf(input) : input;
  if (behind === null) return fromReceived(input as LightRequest, init ?? {});
  const shared = isLightRequest(init) ? shareBody(init) : null;
  const hasOwn = (init?.body ?? null) !== null;
  const taken = isLightRequest(input) && !hasOwn ? takeBody(input) : null;
  const over = taken === null ? init : { ...membersOf(init ?? {}), body: PLACEHOLDER };
  const standard = new StandardRequest(behind, over);
  taken?.done();
  const origin = behind instanceof StandardRequest ? originOf(behind) : null;
  if (isReceived(init?.headers)) received.set(standard, isLightRequest(init));
  else if (origin !== null && init?.headers === undefined) {
    received.set(standard, origin.isWhole && init?.body === undefined);
  }
  return { standard, taken: shared ?? taken };
}

const INIT_MEMBERS = [
  "method",
  "headers",
  "referrer",
  "referrerPolicy",
  "mode",
  "credentials",
  "cache",
  "redirect",
  "integrity",
  "keepalive",
  "signal",
  "window",
  "duplex",
  "dispatcher",
  "priority",
] as const;

/** Those that an init has, but for its body; it may be a Request, which has them as getters. */
function membersOf(init: object): Record<string, unknown> {
  const given = init as Record<string, unknown>;
  const members: Record<string, unknown> = {};
  for (const name of INIT_MEMBERS) if (given[name] !== undefined) members[name] = given[name];
  return members;
}

/** The runtime's Request with all that a received one has, and what `init` says over it. */
function fromReceived(request: LightRequest, init: object): Made {
  if (typeof init !== "object") throw new TypeError("Request: the second argument is no object");
  const { method, headers, signal, url } = request;
  const merged: Record<string, unknown> = { method, headers, signal, ...membersOf(init) };
  const ownBody = (init as { body?: unknown }).body ?? null;
  const taken = ownBody === null ? takeBody(request) : null;
  merged["body"] = ownBody ?? (taken === null ? null : PLACEHOLDER);
  const standard = new StandardRequest(url, merged);
  taken?.done();
  if (isReceived(merged["headers"])) received.set(standard, ownBody === null);
  return { standard, taken };
}

standFor(LightRequest, StandardRequest, (request) => {
  const { method, url, headers, bodyUsed } = request;
  const shown: Record<string, unknown> = { method, url, headers, bodyUsed };
  for (const name of Object.keys(DEFAULTS)) shown[name] = request[name as keyof Request];
  return shown;
});
