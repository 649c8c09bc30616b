/** Tests of writers of header fields. */
import t from "tap";
import * as fields from "../../src/handlers/fields.ts";

function written(write: (headers: Headers) => void): Record<string, string> {
  const headers = new Headers();
  write(headers);
  return Object.fromEntries(headers);
}

t.test("Cache-Control", (t) => {
  const of = (control: fields.CacheControl): string | undefined => (
    written((headers) => fields.setCacheControl(headers, control))["cache-control"]
  );
  t.equal(of({ public: true, maxAge: 60, immutable: true }), "public, max-age=60, immutable");
  t.equal(of({ noStore: true, private: false }), "no-store");
  t.equal(of({ maxAge: 0, mustRevalidate: true }), "max-age=0, must-revalidate");
  t.equal(of({ sMaxAge: 2 ** 40, staleWhileRevalidate: 5, staleIfError: 6 }),
    "s-maxage=2147483648, stale-while-revalidate=5, stale-if-error=6");
  t.equal(of({ noCache: true, noTransform: true, proxyRevalidate: true, mustUnderstand: true }),
    "no-cache, no-transform, proxy-revalidate, must-understand");
  t.equal(of({}), undefined);
  const wrong: unknown[] = [
    { public: true, private: true }, { maxAge: -1 }, { maxAge: 1.5 }, { maxAge: "1" }, { max: 1 },
    { maxAge: true }, { sMaxAge: null }, { public: 5 }, { public: null },
    { noStore: 0 }, { noCache: "set-cookie" }, { public: 1, private: true }, { constructor: true },
    { toString: undefined }, null, undefined, "no-store",
  ];
  for (const control of wrong) {
    const name = JSON.stringify(control);
    t.throws(() => of(control as fields.CacheControl), TypeError, name);
  }
  t.equal(of({ public: undefined, maxAge: 1 } as object), "max-age=1");
  t.end();
});

t.test("ETag, dates, Retry-After", (t) => {
  const date = new Date("2026-02-03T04:05:06.789Z");
  const text = "Tue, 03 Feb 2026 04:05:06 GMT";
  t.strictSame(written((headers) => {
    fields.setEntityTag(headers, "a/b:c");
    fields.setLastModified(headers, date);
    fields.setExpires(headers, date);
    fields.setRetryAfter(headers, date);
  }), { "etag": '"a/b:c"', "last-modified": text, "expires": text, "retry-after": text });
  t.strictSame(written((headers) => {
    fields.setEntityTag(headers, "", true);
    fields.setRetryAfter(headers, 120);
  }), { "etag": 'W/""', "retry-after": "120" });
  const headers = new Headers();
  for (const tag of ['a"b', "a b", "ä", "a\n", undefined, null, 5]) {
    t.throws(() => fields.setEntityTag(headers, tag as string), /is no entity tag/);
  }
  t.throws(() => fields.setLastModified(headers, "today" as never), /That is no date/);
  t.throws(() => fields.setRetryAfter(headers, -1), TypeError);
  t.throws(() => fields.setRetryAfter(headers, 0.5), TypeError);
  t.throws(() => fields.setLastModified(headers, new Date(Number.NaN)), TypeError);
  t.end();
});

t.test("Content-Disposition, -Type and -Language", (t) => {
  const of = (type: "attachment" | "inline", name?: string): string | undefined => (
    written((headers) => fields.setContentDisposition(headers, type, name))["content-disposition"]
  );
  t.equal(of("attachment"), "attachment");
  t.equal(of("inline", "/a/b c.txt"), 'inline; filename="b c.txt"');
  t.equal(of("attachment", 'ä "x".txt'),
    "attachment; filename=\"ä \\\"x\\\".txt\"".replace("ä", "\u00e4"));
  t.match(of("attachment", "a\ud800.txt"), /filename\*=UTF-8''a%EF%BF%BD\.txt/, "half a character");
  t.match(of("attachment", "€.txt"), /filename="\?\.txt"; filename\*=UTF-8''%E2%82%AC\.txt/);
  t.strictSame(written((headers) => {
    fields.setContentType(headers, "text/plain", { charset: "utf-8", "x": 'a "b" \\' });
    fields.setContentLanguage(headers, "de-CH", "en");
  }), {
    "content-type": 'text/plain; charset=utf-8; x="a \\"b\\" \\\\"',
    "content-language": "de-CH, en",
  });
  const headers = new Headers();
  for (const type of ["text", "text/", "a/b/c", "a b/c", "*/*", "text/*", undefined]) {
    t.throws(() => fields.setContentType(headers, type as string), /is no media type/);
  }
  for (const value of [5, undefined]) {
    const set = () => fields.setContentType(headers, "a/b", { a: value as never });
    t.throws(set, /The a of a field/);
  }
  t.throws(() => of("attachment", 5 as never), /The name of a file/);
  t.throws(() => fields.setContentType(headers, "a/b", { "a b": "c" }), TypeError);
  t.throws(() => fields.setContentType(headers, "a/b", { a: "b\n" }), TypeError);
  t.throws(() => fields.setContentLanguage(headers, "de_CH"), TypeError);
  t.throws(() => fields.setContentLanguage(headers), TypeError);
  t.throws(() => fields.setContentLanguage(headers, undefined as never), TypeError);
  t.strictSame([...headers], []);
  t.end();
});

t.test("Content-Encoding and -Location", (t) => {
  t.strictSame(written((headers) => {
    fields.setContentEncoding(headers, "gzip", "br");
    fields.setContentLocation(headers, "/a%20b.de?c=d");
  }), { "content-encoding": "gzip, br", "content-location": "/a%20b.de?c=d" });
  t.strictSame(written((headers) => {
    fields.setContentEncoding(headers, "zstd");
    fields.setContentLocation(headers, new URL("https://[::1]:80/\u00e4"));
  }), { "content-encoding": "zstd", "content-location": "https://[::1]:80/%C3%A4" });
  const headers = new Headers();
  for (const codings of [[], ["identity"], ["gzip", "a b"], [""], ["br\n"], [undefined as never]]) {
    t.throws(() => fields.setContentEncoding(headers, ...codings), TypeError);
  }
  for (const location of ["", "/a b", "/a#b", "/\u00e4", "/a%zz", "/a\nb: c", "http://", "/<b>"]) {
    t.throws(() => fields.setContentLocation(headers, location), TypeError, location);
  }
  t.strictSame([...headers], []);
  t.end();
});

t.test("Allow, challenges, Vary", (t) => {
  t.strictSame(written((headers) => {
    fields.setAllow(headers, "GET", "PROPFIND");
    fields.addChallenge(headers, "Digest", { realm: 'a "b"', nonce: "n" });
    fields.addChallenge(headers, "Negotiate");
    fields.addVary(headers, "Accept");
    fields.addVary(headers, "accept");
    fields.addVary(headers, "Accept, Origin");
  }), {
    "allow": "GET, PROPFIND",
    "www-authenticate": 'Digest realm="a \\"b\\"", nonce="n", Negotiate',
    "vary": "Accept, Origin",
  });
  t.strictSame(written((headers) => {
    const parameters = { realm: "r", qop: "auth, auth-int", algorithm: "SHA-256", Stale: "true" };
    fields.addChallenge(headers, "digest", parameters);
    fields.addChallenge(headers, "Other", { algorithm: "x" });
  }), {
    "www-authenticate": 'digest realm="r", qop="auth, auth-int", algorithm=SHA-256, Stale=true, ' +
      'Other algorithm="x"',
  }, "RFC 7616 3.3");
  const headers = new Headers();
  t.throws(() => fields.addChallenge(headers, "Digest", { algorithm: "SHA 256" }), TypeError);
  t.throws(() => fields.setAllow(headers, "FETCH"), TypeError);
  t.throws(() => fields.setAllow(headers, undefined as never), TypeError);
  t.throws(() => fields.addChallenge(headers, "a b"), TypeError);
  t.throws(() => fields.addChallenge(headers, undefined as never), TypeError);
  t.throws(() => fields.addChallenge(headers, "Basic", { realm: 5 as never }), /The realm of a/);
  for (const name of ["", "a, b c", "a,", "a b", undefined, ["a"]]) {
    t.throws(() => fields.addVary(headers, name as string), /is no name of a header field/);
  }
  t.strictSame([...headers], []);
  t.end();
});
