/**
 * Rate limits: a token bucket for each address, or for whatever a function names, which all workers
 * of the server share. Around a handler, or before those that come behind it. Any thread.
 */
import type {
  Context, FetchHandler, Handler, HandlerObject, HandlerResult, MillraceRequest, ServerControl,
} from "../shared/app.ts";
import { aroundObject } from "../worker/wrapped-handler.ts";
import { addressKey } from "./address-key.ts";
import {
  checkFlags, checkFunctions, checkKnown, checkSyncFunctions, checkWhole, saidAtOnce, wrongOption,
} from "../shared/option-checks.ts";
import { bucketBytes, type Taken, TokenBuckets } from "./token-buckets.ts";
import { answerWith } from "./wrapping.ts";

export interface RateLimitOptions {
  /** So many requests in `windowMs`, refilled evenly. */
  readonly limit: number;
  /** Milliseconds. Default 60,000. */
  readonly windowMs?: number;
  /** So many at once, at most. Default: `limit`. */
  readonly burst?: number;
  /**
   * Limiters with the same name and numbers share their buckets. It is told to clients. Printable
   * ASCII. Default "default".
   */
  readonly name?: string;
  /** Whose bucket; null: this request is not limited. Default: the address of the client. */
  readonly key?: (
    request: MillraceRequest,
    context: Context,
  ) => string | null | Promise<string | null>;
  /** The bits of an IPv6 address that count. Default 64: what one customer has. */
  readonly ipv6PrefixBits?: number;
  /** How many tokens a request takes, up to `burst`. Default 1. */
  readonly cost?: (request: MillraceRequest, context: Context) => number;
  /** Buckets that are kept: 12 bytes each. In a flood of keys the fullest go. Default 65,536. */
  readonly keysMax?: number;
  /** Answers say how much is left. Default true. */
  readonly fields?: boolean;
  /** An answer in the place of 429. */
  readonly limited?: (
    request: MillraceRequest,
    context: Context,
    retryAfterSeconds: number,
  ) => HandlerResult | Promise<HandlerResult>;
}

const NAMES: readonly (keyof RateLimitOptions)[] = [
  "limit", "windowMs", "burst", "name", "key", "ipv6PrefixBits", "cost", "keysMax", "fields",
  "limited",
];
const WINDOW_MS = 60_000;
const KEYS_MAX = 65_536;
/** Of keys: 12 bytes each. */
const KEYS_LIMIT = 16 * 1024 * 1024;
const PER_MS_MAX = 1000;
const PREFIX_BITS = 64;
const NAME = /^[\x20\x21\x23-\x5b\x5d-\x7e]{1,64}$/;

type Resolved = Required<Omit<RateLimitOptions, "cost" | "key" | "limited">> &
  Pick<RateLimitOptions, "cost" | "key" | "limited">;

/**
 * Throws a TypeError for options that are none. Who has used up the bucket gets 429 with
 * `Retry-After`; without `handler` the others go on with the next matching handler.
 */
export function rateLimit(options: RateLimitOptions, handler?: FetchHandler): FetchHandler;
export function rateLimit(options: RateLimitOptions, handler: HandlerObject): HandlerObject;
export function rateLimit(options: RateLimitOptions, handler: Handler): Handler;
export function rateLimit(options: RateLimitOptions, handler?: Handler): Handler {
  const rules = resolve(options);
  if (handler !== undefined && typeof handler !== "function") {
    return aroundObject("rateLimit", handler, (handle) => rateLimit(options, handle));
  }
  const byServer = new WeakMap<ServerControl, Promise<TokenBuckets>>();
  const policy = `"${rules.name}";q=${rules.limit};w=${Math.ceil(rules.windowMs / 1000)}`;
  return async (request, context) => {
    const key = await keyOf(rules, request, context);
    if (key === null) return await passed(handler, request, context);
    const buckets = await bucketsOf(byServer, rules, context.server);
    const taken = buckets.take(key, costOf(rules, request, context));
    const edit = (headers: Headers): void => {
      if (!rules.fields) return;
      headers.append("ratelimit-policy", policy);
      headers.append("ratelimit", stateText(rules.name, taken));
    };
    if (taken.isAllowed) return await answerWith(handler, request, context, edit);
    return await answerWith(() => refuse(rules, taken, request, context), request, context, edit);
  };
}

async function passed(
  handler: FetchHandler | undefined,
  request: MillraceRequest,
  context: Context,
): Promise<HandlerResult> {
  return handler === undefined ? await context.next() : await handler(request, context, context);
}

async function keyOf(
  { key, ipv6PrefixBits }: Resolved,
  request: MillraceRequest,
  context: Context,
): Promise<string | null> {
  if (key === undefined) return addressKey(context.client, ipv6PrefixBits);
  return await key(request, context);
}

function costOf(
  { cost, burst }: Resolved,
  request: MillraceRequest,
  context: Context,
): number {
  if (cost === undefined) return 1;
  const tokens = saidAtOnce("rateLimit", "cost", cost(request, context));
  if (tokens >= 0 && tokens <= burst) return tokens;
  throw new TypeError(`rateLimit: a request costs from 0 to ${burst} tokens, not ${tokens}`);
}

/** Once per server and limiter; what fails is tried again with the next request. */
function bucketsOf(
  byServer: WeakMap<ServerControl, Promise<TokenBuckets>>,
  rules: Resolved,
  server: ServerControl,
): Promise<TokenBuckets> {
  const known = byServer.get(server);
  if (known !== undefined) return known;
  const { name, limit, windowMs, burst, keysMax } = rules;
  const block = `rate-limit ${limit}/${windowMs}/${burst} ${name}`;
  const made = server.sharedMemory(block, bucketBytes(keysMax)).then(
    (memory) => new TokenBuckets(memory, { limit, windowMs, burst }),
  );
  byServer.set(server, made);
  made.catch(() => byServer.delete(server));
  return made;
}

async function refuse(
  { limited }: Resolved,
  { retryMs }: Taken,
  request: MillraceRequest,
  context: Context,
): Promise<Response> {
  const seconds = Math.max(Math.ceil(retryMs / 1000), 1);
  const own = await limited?.(request, context, seconds);
  const retry = { "retry-after": String(seconds) };
  if (own === undefined) {
    return new Response("Too many requests\n", { status: 429, headers: retry });
  }
  return own instanceof Response
    ? own
    : new Response(own as string, { status: 429, headers: retry });
}

/** As draft-ietf-httpapi-ratelimit-headers has it: what is left, and in how many seconds all is. */
function stateText(name: string, { remaining, fullMs }: Taken): string {
  return `"${name}";r=${remaining};t=${Math.ceil(fullMs / 1000)}`;
}

function resolve(options: RateLimitOptions): Resolved {
  checkKnown("rateLimit", options, NAMES);
  const { limit, windowMs = WINDOW_MS, name = "default", fields = true } = options;
  const { burst = limit, keysMax = KEYS_MAX, ipv6PrefixBits = PREFIX_BITS } = options;
  const { key, cost, limited } = options;
  const wholes = { limit, windowMs, burst };
  for (const [member, value] of Object.entries(wholes)) checkWhole("rateLimit", member, value, 1);
  checkWhole("rateLimit", "keysMax", keysMax, 1, KEYS_LIMIT);
  checkWhole("rateLimit", "ipv6PrefixBits", ipv6PrefixBits, 1, 128);
  checkFlags("rateLimit", options, ["fields"]);
  checkFunctions("rateLimit", options, ["key", "limited"]);
  checkSyncFunctions("rateLimit", options, ["cost"]);
  if (limit / windowMs > PER_MS_MAX) {
    throw wrongOption(`rateLimit: at most ${PER_MS_MAX} requests a millisecond`);
  }
  if (!NAME.test(name)) throw wrongOption("rateLimit: `name` is 1 to 64 printable characters");
  return {
    limit, windowMs, burst, name, fields, keysMax, ipv6PrefixBits,
    ...(key && { key }), ...(cost && { cost }), ...(limited && { limited }),
  };
}
