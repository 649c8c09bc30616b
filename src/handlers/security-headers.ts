/**
 * Fields that tell browsers to be careful, on every answer that has none of its own: what Helmet
 * sends, which is the list that most apps use. Around a handler, or before those that come behind
 * it. Any thread.
 */
import type { FetchHandler, Handler, HandlerObject } from "../shared/app.ts";
import { aroundObject } from "../worker/wrapped-handler.ts";
import { checkKnown, wrongOption } from "../shared/option-checks.ts";
import { answerWith } from "./wrapping.ts";

/** By field; `false` sends none. A string is its value. */
export interface SecurityHeadersOptions {
  /** Directives by name, joined to a value; default DEFAULT_POLICY. */
  readonly contentSecurityPolicy?:
    | string
    | Readonly<Record<string, string | readonly string[]>>
    | false;
  readonly crossOriginEmbedderPolicy?: string | false;
  readonly crossOriginOpenerPolicy?: string | false;
  readonly crossOriginResourcePolicy?: string | false;
  readonly originAgentCluster?: string | false;
  readonly permissionsPolicy?: string | false;
  readonly referrerPolicy?: string | false;
  /** Only on answers to `https:` requests, as RFC 6797 7.2 asks for. */
  readonly strictTransportSecurity?: string | false;
  readonly xContentTypeOptions?: string | false;
  readonly xDnsPrefetchControl?: string | false;
  readonly xFrameOptions?: string | false;
  readonly xPermittedCrossDomainPolicies?: string | false;
}

/** The policy without an option: everything from the site itself, and nothing inline but styles. */
export const DEFAULT_POLICY: Readonly<Record<string, readonly string[]>> = {
  "default-src": ["'self'"],
  "base-uri": ["'self'"],
  "font-src": ["'self'", "https:", "data:"],
  "form-action": ["'self'"],
  "frame-ancestors": ["'self'"],
  "img-src": ["'self'", "data:"],
  "object-src": ["'none'"],
  "script-src": ["'self'"],
  "script-src-attr": ["'none'"],
  "style-src": ["'self'", "https:", "'unsafe-inline'"],
  "upgrade-insecure-requests": [],
};

/** What can stand in a field, and cannot begin another one. */
const VALUE = /^[\t\x20-\x7e]+$/;
const DIRECTIVE = /^[a-z][a-z0-9-]*$/;

interface Row {
  readonly option: keyof SecurityHeadersOptions;
  readonly field: string;
  /** False: none unless the option gives one. */
  readonly value: string | false;
}

const ROWS: readonly Row[] = [
  {
    option: "contentSecurityPolicy",
    field: "content-security-policy",
    value: policyText(DEFAULT_POLICY),
  },
  { option: "crossOriginEmbedderPolicy", field: "cross-origin-embedder-policy", value: false },
  { option: "crossOriginOpenerPolicy", field: "cross-origin-opener-policy", value: "same-origin" },
  {
    option: "crossOriginResourcePolicy",
    field: "cross-origin-resource-policy",
    value: "same-origin",
  },
  { option: "originAgentCluster", field: "origin-agent-cluster", value: "?1" },
  { option: "permissionsPolicy", field: "permissions-policy", value: false },
  { option: "referrerPolicy", field: "referrer-policy", value: "no-referrer" },
  {
    option: "strictTransportSecurity",
    field: "strict-transport-security",
    value: "max-age=31536000; includeSubDomains",
  },
  { option: "xContentTypeOptions", field: "x-content-type-options", value: "nosniff" },
  { option: "xDnsPrefetchControl", field: "x-dns-prefetch-control", value: "off" },
  { option: "xFrameOptions", field: "x-frame-options", value: "SAMEORIGIN" },
  {
    option: "xPermittedCrossDomainPolicies",
    field: "x-permitted-cross-domain-policies",
    value: "none",
  },
];

/**
 * Throws a TypeError for unknown options and values that no field can have. Fields that the handler
 * has set stay as they are. Without `handler` it goes on with the next matching handler.
 */
export function securityHeaders(
  options?: SecurityHeadersOptions,
  handler?: FetchHandler,
): FetchHandler;
export function securityHeaders(
  options: SecurityHeadersOptions,
  handler: HandlerObject,
): HandlerObject;
export function securityHeaders(options: SecurityHeadersOptions, handler: Handler): Handler;
export function securityHeaders(
  options: SecurityHeadersOptions = {},
  handler?: Handler,
): Handler {
  const always = fieldsOf(options);
  if (handler !== undefined && typeof handler !== "function") {
    return aroundObject("securityHeaders", handler, (handle) => securityHeaders(options, handle));
  }
  const plain = always.filter(([field]) => field !== "strict-transport-security");
  return async (request, context) => {
    const fields = request.url.startsWith("https:") ? always : plain;
    return await answerWith(handler, request, context, (headers) => {
      for (const [field, value] of fields) if (!headers.has(field)) headers.set(field, value);
    });
  };
}

function fieldsOf(options: SecurityHeadersOptions): [field: string, value: string][] {
  checkKnown("securityHeaders", options, ROWS.map(({ option }) => option));
  return ROWS.flatMap(({ option, field, value }) => {
    const given = options[option] ?? value;
    if (given === false) return [];
    const text = typeof given === "string" ? given : policyText(given);
    if (!VALUE.test(text)) throw wrongOption(`securityHeaders: ${option} is no value of a field`);
    return [[field, text]];
  });
}

function policyText(policy: Readonly<Record<string, string | readonly string[]>>): string {
  return Object.entries(policy).map(([directive, given]) => {
    if (!DIRECTIVE.test(directive)) {
      throw wrongOption(`securityHeaders: "${directive}" is no directive of a policy`);
    }
    const sources = typeof given === "string" ? given.split(" ") : given;
    if (sources.some((source) => /[;,\s]/.test(source))) {
      throw wrongOption(`securityHeaders: a source of ${directive} has a space, ";" or ","`);
    }
    return [directive, ...sources].join(" ");
  }).join("; ");
}
