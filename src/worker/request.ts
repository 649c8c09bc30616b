/**
 * Request with the whole behaviour of the standard class. One that the server has received reads
 * from its source when a member is asked for, and costs one object until then; one that an app
 * makes with `new Request` is a shell around the runtime's own. The source stays readable for as
 * long as somebody holds the Request. Any thread.
 */
import type { CookieMap } from "../shared/cookies.ts";
import { decodeText, isStreamRead, isStreamTaken, readBytes, usedStream } from "./body.ts";
import { RequestCookies } from "./cookie-map.ts";
import { asStandard } from "./form.ts";
import { headersFromRaw, isReceived, LightHeaders } from "./headers.ts";
import type { RequestSource } from "./request-source.ts";
import { isInstance, needArguments, standFor, StandardRequest } from "./standard.ts";

type RequestInfo = ConstructorParameters<typeof Request>[0];
type RequestInit = ConstructorParameters<typeof Request>[1];

/** Makes the Request of what the server has received. */
export let requestFrom: (source: RequestSource) => LightRequest;
/** The runtime's Request behind one that an app has made, null if the server has received it. */
export let standardOf: (request: LightRequest) => Request | null;
export let isLightRequest: (value: unknown) => value is LightRequest;

/** Takes the stream for another Request; `done` is called when that one has been made. */
let takeBody: (request: LightRequest) => { body: ReadableStream | null; done(): void };

// Given as the second argument, these say what the first is. No app can have them.
const FROM_SOURCE = {};
const FROM_STANDARD = {};

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
  /** The stream that `body` has given out, or a branch of it after `clone`. */
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
      this.#standard = isReady ? (input as Request) : makeStandard(input, init);
    }
  }

  static {
    requestFrom = (source) =>
      new LightRequest(source as unknown as RequestInfo, FROM_SOURCE);
    standardOf = (request) => request.#standard;
    isLightRequest = (value): value is LightRequest =>
      typeof value === "object" && value !== null && #source in value;
    takeBody = (request) => {
      if (request.#isTaken()) {
        throw new TypeError("The body of the Request has already been used");
      }
      // An empty body is none to the runtime's GET, which may have no body.
      const isNone = request.#source?.body?.length === 0 && /^(?:GET|HEAD)$/.test(request.method);
      const body = isNone ? null : request.body;
      return { body, done: () => (request.#used ||= body !== null) };
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
    if (this.#source === null) return this.#standard!.body;
    if (this.#source.body === null) return null;
    return (this.#stream ??= this.#used ? usedStream() : this.#source.body.stream());
  }

  get bodyUsed(): boolean {
    if (this.#source === null) return this.#standard!.bodyUsed;
    return this.#used || (this.#stream !== null && isStreamRead(this.#stream));
  }

  clone(): LightRequest {
    if (this.#source === null) return this.#cloneStandard();
    if (this.#isTaken()) throw new TypeError("Request.clone: the body has already been used");
    const clone = requestFrom(this.#source);
    clone.#url = this.#url;
    if (this.#headers !== null) clone.#headers = new LightHeaders(this.#headers);
    if (this.#params !== null) clone.#params = { ...this.#params };
    const { body } = this;
    if (body !== null) [this.#stream, clone.#stream] = body.tee();
    return clone;
  }

  #cloneStandard(): LightRequest {
    const standard = this.#standard!.clone();
    const origin = originOf(this.#standard!);
    if (origin !== null) received.set(standard, origin.isWhole);
    return new LightRequest(standard, FROM_STANDARD);
  }

  // Not async: on the path of most requests with a body, it hands on the promise of the source.
  text(): Promise<string> {
    try {
      return this.#standard === null ? this.#text("text") : this.#standard.text();
    } catch (error) {
      return Promise.reject(error);
    }
  }

  // Likewise: a body that is here already is parsed at once, which saves four microtasks.
  json(): Promise<unknown> {
    try {
      if (this.#standard !== null) return this.#standard.json();
      const ready = this.#stream === null ? this.#source!.body?.textNow?.() : undefined;
      if (ready === undefined) return this.#text("json").then(JSON.parse);
      this.#take("json");
      return Promise.resolve(JSON.parse(ready));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#standard === null) return await this.#bytes("bytes");
    return new Uint8Array(await this.#standard.arrayBuffer());
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    if (this.#standard !== null) return await this.#standard.arrayBuffer();
    return (await this.#bytes("arrayBuffer")).buffer;
  }

  async blob(): Promise<Blob> {
    if (this.#standard !== null) return await this.#standard.blob();
    const type = this.headers.get("content-type");
    return await asStandard(await this.#bytes("blob"), type).blob();
  }

  async formData(): Promise<FormData> {
    if (this.#standard !== null) return await this.#standard.formData();
    const type = this.headers.get("content-type");
    return await asStandard(await this.#bytes("formData"), type).formData();
  }

  #text(method: string): Promise<string> {
    if (this.#stream !== null) return this.#bytes(method).then(decodeText);
    const { body } = this.#source!;
    if (body === null) return Promise.resolve("");
    this.#take(method);
    return body.text();
  }

  #bytes(method: string): Promise<Uint8Array<ArrayBuffer>> {
    const { body } = this.#source!;
    if (body === null) return Promise.resolve(new Uint8Array(0));
    this.#take(method);
    return this.#stream === null ? body.bytes() : readBytes(this.#stream, body.bytesMax);
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

function makeStandard(input: RequestInfo, init: RequestInit): Request {
  const behind = isLightRequest(input) ? standardOf(input) : input;
  if (behind === null) return fromReceived(input as LightRequest, init ?? {});
  const standard = new StandardRequest(behind, init);
  const origin = behind instanceof StandardRequest ? originOf(behind) : null;
  if (isReceived(init?.headers)) received.set(standard, isLightRequest(init));
  else if (origin !== null && init?.headers === undefined) {
    received.set(standard, origin.isWhole && init?.body === undefined);
  }
  return standard;
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

/** The runtime's Request with all that a received one has, and what `init` says over it. */
function fromReceived(request: LightRequest, init: object): Request {
  if (typeof init !== "object") throw new TypeError("Request: the second argument is no object");
  const { method, headers, signal, url } = request;
  const merged: Record<string, unknown> = { method, headers, signal };
  const given = init as Record<string, unknown>;
  for (const name of INIT_MEMBERS) if (given[name] !== undefined) merged[name] = given[name];
  const ownBody = given["body"] ?? null;
  const taken = ownBody === null ? takeBody(request) : null;
  if (taken !== null && taken.body !== null) merged["duplex"] = "half";
  merged["body"] = ownBody ?? taken!.body;
  const standard = new StandardRequest(url, merged);
  taken?.done();
  if (isReceived(merged["headers"])) received.set(standard, taken !== null);
  return standard;
}

standFor(LightRequest, StandardRequest, (request) => {
  const { method, url, headers, bodyUsed } = request;
  const shown: Record<string, unknown> = { method, url, headers, bodyUsed };
  for (const name of Object.keys(DEFAULTS)) shown[name] = request[name as keyof Request];
  return shown;
});
