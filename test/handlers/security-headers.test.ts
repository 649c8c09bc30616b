/** Tests of the fields that make browsers careful. */
import t from "tap";
import {
  DEFAULT_POLICY, securityHeaders, type SecurityHeadersOptions,
} from "../../src/handlers/security-headers.ts";
import type { Context, MillraceRequest } from "../../src/shared/app.ts";
import { startApp } from "../support/server.ts";

const MODULE = new URL("../../src/handlers/security-headers.js", import.meta.url).href;

async function fieldsOf(
  options: SecurityHeadersOptions,
  url = "http://a/",
): Promise<Record<string, string>> {
  const handler = securityHeaders(options, () => new Response("text"));
  const request = new Request(url) as MillraceRequest;
  const context = {} as Context;
  const answer = (await handler(request, context, context)) as Response;
  return Object.fromEntries(answer.headers);
}

t.test("what is sent without an option", async (t) => {
  const fields = await fieldsOf({});
  t.strictSame(fields, {
    "content-security-policy":
      "default-src 'self'; base-uri 'self'; font-src 'self' https: data:; form-action 'self'; " +
      "frame-ancestors 'self'; img-src 'self' data:; object-src 'none'; script-src 'self'; " +
      "script-src-attr 'none'; style-src 'self' https: 'unsafe-inline'; upgrade-insecure-requests",
    "content-type": "text/plain;charset=UTF-8",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "origin-agent-cluster": "?1",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-dns-prefetch-control": "off",
    "x-frame-options": "SAMEORIGIN",
    "x-permitted-cross-domain-policies": "none",
  });
  const secure = await fieldsOf({}, "https://a/");
  t.equal(secure["strict-transport-security"], "max-age=31536000; includeSubDomains");
});

t.test("each field can be another, or none", async (t) => {
  const fields = await fieldsOf({
    contentSecurityPolicy: { ...DEFAULT_POLICY, "img-src": "* data:", "script-src": ["'self'"] },
    xFrameOptions: "DENY",
    referrerPolicy: false,
    permissionsPolicy: "camera=()",
    crossOriginEmbedderPolicy: "require-corp",
  });
  t.match(fields["content-security-policy"], /img-src \* data:;/);
  t.equal(fields["x-frame-options"], "DENY");
  t.notOk("referrer-policy" in fields);
  t.equal(fields["permissions-policy"], "camera=()");
  t.equal(fields["cross-origin-embedder-policy"], "require-corp");
});

t.test("what no field can have is refused, and names that are none", (t) => {
  const wrong: unknown[] = [
    { xFrameOptions: "a\r\nb: c" },
    { xFrameOptions: "" },
    { contentSecurityPolicy: { "img-src": "a;b" } },
    { contentSecurityPolicy: { "img-src": ["a b"] } },
    { contentSecurityPolicy: { "Img Src": "a" } },
    { frameOptions: "DENY" },
  ];
  for (const options of wrong) {
    t.throws(() => securityHeaders(options as SecurityHeadersOptions), TypeError);
  }
  t.end();
});

t.test("over a connection, the handler's own fields stay", async (t) => {
  const { url } = await startApp(t, `
    import { securityHeaders } from ${JSON.stringify(MODULE)};
    export default {
      routes: { "/*": securityHeaders({ referrerPolicy: "origin" }) },
      fetch: () => new Response("text", { headers: { "x-frame-options": "DENY" } }),
    };
  `);
  const { headers } = await fetch(url);
  t.equal(headers.get("x-frame-options"), "DENY");
  t.equal(headers.get("referrer-policy"), "origin");
  t.equal(headers.get("strict-transport-security"), null);
});
