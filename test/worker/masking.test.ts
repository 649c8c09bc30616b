/** Tests of what is hidden before a text is shown. */
import t from "tap";
import { MASK, maskedBy, Masking } from "../../src/worker/masking.ts";

const masking = new Masking({ maskFields: ["X-Key", "pin"], maskPaths: ["/login", "/reset/*"] });

t.test("fields that carry credentials, and those that are named", async (t) => {
  for (const name of ["Authorization", "COOKIE", "set-cookie", "Proxy-Authorization", "x-kEY"]) {
    t.equal(masking.field(name, "secret"), MASK, name);
  }
  t.equal(masking.field("Accept", "text/html"), "text/html");
  t.equal(masking.field("Referer", "http://a.test/reset/abc?x=1"),
    `http://a.test/reset/${MASK}?${MASK}`);
  t.equal(masking.field("Location", "/x?token=abc&y=1"), `/x?token=${MASK}&y=1`);
});

t.test("a target: parameters by name, however escaped, and whole paths", async (t) => {
  t.equal(masking.target("/a?user=b&pass=c&PIN=1#d"), `/a?user=b&pass=${MASK}&PIN=${MASK}`);
  t.equal(masking.target("/a?p%61ss=c;token=d"), `/a?p%61ss=${MASK}`);
  t.equal(masking.target("/a?%zz=1&pass"), "/a?%zz=1&pass", "what cannot be decoded, has no value");
  t.equal(masking.target("/login"), "/login");
  t.equal(masking.target("/login?code=1"), `/login?${MASK}`);
  t.equal(masking.target("/reset/abc"), `/reset/${MASK}`);
  t.equal(masking.target("/x/../reset/abc?d", "/reset/abc"), `/reset/${MASK}?${MASK}`);
  t.equal(masking.target("http://a.test/reset/abc", "/reset/abc"), `http://a.test/reset/${MASK}`);
  t.equal(masking.target("/login#x?y"), `/login#${MASK}`);
  t.equal(masking.target("/a#token=b&c=d?e"), `/a#token=${MASK}&c=d?e`);
  t.ok(masking.hidesPath("/reset/"));
  t.notOk(masking.hidesPath("/loginx"));
});

t.test("a fragment is masked as a query is, also in fields", async (t) => {
  t.equal(masking.field("Location", "https://a.test/cb#access_token=secret&b=c"),
    `https://a.test/cb#access_token=${MASK}&b=c`);
  t.equal(masking.field("Location", "/reset/abc#d"), `/reset/${MASK}#${MASK}`);
  t.equal(masking.field("Refresh", "0; url=/cb#access_token=secret"),
    `0; url=/cb#access_token=${MASK}`);
  t.equal(masking.field("Color", "#fff"), "#fff");
});

t.test("a path is known by what it means, however it is escaped", async (t) => {
  t.equal(masking.target("/%72eset/abc?d"), `/reset/${MASK}?${MASK}`);
  t.equal(masking.target("/%72eset/%zz%72?d"), `/reset/${MASK}?${MASK}`, "one cannot be decoded");
  t.equal(masking.target("/x", "/l%6Fgin"), "/login");
  t.equal(masking.field("Referer", "http://a.test/%6cogin?code=1"),
    `http://a.test/login?${MASK}`);
  t.ok(masking.hidesPath("/%72eset/abc"));
  t.notOk(masking.hidesPath("/reset%2Fabc"), "routes do not serve it as /reset/abc");
  t.equal(masking.target("/%zz/%"), "/%zz/%");
  const escaped = new Masking({ maskPaths: ["/caf%C3%A9/*", "/%zz"] });
  for (const path of ["/caf%c3%a9/abc", "/caf%C3%A9/abc", "/c%61f%C3%A9/abc"]) {
    t.ok(escaped.hidesPath(path), path);
  }
  t.ok(escaped.hidesPath("/%zz"));
});

t.test("JSON, nested or cut anywhere", async (t) => {
  const shown = (text: string): string => masking.body(text, "application/json");
  t.equal(shown('{"a":{"password" : "x\\"y","b":2}}'), `{"a":{"password" : "${MASK}","b":2}}`);
  t.equal(shown('{"pin":1234,"b":[1]}'), `{"pin":"${MASK}","b":[1]}`);
  t.equal(shown('{"pass\\u0077ord":"x","b":1}'), `{"pass\\u0077ord":"${MASK}","b":1}`);
  t.equal(shown('{"secret":["x","y"],"b":1}'), `{"secret":"${MASK}"`, "all that follows");
  t.equal(shown('["password","x"]'), '["password","x"]', "a value, no name");
  const whole = '{"b":"c","token":"abcdefgh"}';
  for (let at = 0; at < whole.length; at++) {
    t.notMatch(shown(whole.slice(0, at)), /abc/, whole.slice(0, at));
  }
});

t.test("forms, and what has no type", async (t) => {
  const type = "application/x-www-form-urlencoded";
  t.equal(masking.body("a=1&password=x%20y&b=2", type), `a=1&password=${MASK}&b=2`);
  t.equal(masking.body("password=cut", type), `password=${MASK}`);
  t.equal(masking.body("password=a;b?c d#e&f=g", type), `password=${MASK}&f=g`);
  t.equal(masking.target("/a?b;token=c;d"), `/a?b;token=${MASK}`);
  t.equal(masking.target("https://a:b@c.test/d"), `https://${MASK}@c.test/d`);
  t.equal(masking.body('{"token":"x"}', ""), `{"token":"${MASK}"}`);
  const part = (name: string): string =>
    `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\nvalue\r\n`;
  const text = `${part("pin")}${part("user")}--b--\r\n`;
  t.equal(masking.body(text, "multipart/form-data; boundary=b"),
    text.replace("value", MASK), "the first alone");
});

t.test("what a body is its type says, not a parameter or the first letter", async (t) => {
  const form = "application/x-www-form-urlencoded";
  const pairs = "[tags]=a&password=S3CRET&b=c";
  for (const type of [form, form.toUpperCase(), `${form}; charset=json`, "", "text/plain"]) {
    t.equal(masking.body(pairs, type), `[tags]=a&password=${MASK}&b=c`, type);
  }
  t.equal(masking.body('{"a":"b","password":"S3CRET"}', form), `{"a":"b","password":"${MASK}"}`,
    "as clients send it that forget the type");
  t.notMatch(masking.body('"token":x&password=S3 CRET', form), /S3|CRET/);
  const part = `--aJSONb\r\nContent-Disposition: form-data; name="password"\r\n\r\nS3CRET\r\n`;
  const text = `${part}--aJSONb--\r\n`;
  t.equal(masking.body(text, "multipart/form-data; boundary=aJSONb"), text.replace("S3CRET", MASK));
});

t.test("a masked part reaches to the boundary of its type", async (t) => {
  const head = (name: string): string => `--b\r\nContent-Disposition: form-data; name="${name}"`;
  const secret = "S3\r\n--CRET\r\n--bS3\r\n\r\n--b CRET";
  const hidden = `${head("pin")}\r\n\r\n${MASK}`;
  const rest = `\r\n${head("user")}\r\n\r\na\r\n--c\r\n--b--\r\n`;
  const text = `${head("pin")}\r\n\r\n${secret}${rest}`;
  for (const boundary of ['boundary=b', 'charset=x; Boundary="b" ; c=d']) {
    t.equal(masking.body(text, `multipart/form-data; ${boundary}`), hidden + rest, boundary);
  }
  for (const type of ["multipart/form-data", "multipart/mixed; boundary=c; boundary=b"]) {
    t.equal(masking.body(text, type), hidden, "nobody knows where it ends");
  }
  const whole = `${head("pin")}\r\n\r\n${secret}`;
  for (let at = 0; at < whole.length; at++) {
    t.notMatch(masking.body(whole.slice(0, at), "multipart/form-data; boundary=b"), /S3|CRET/);
  }
});

t.test("a body that is made to be slow to look through is not", async (t) => {
  const heads = ["name=", 'name="', 'name*1="', 'name="\\'].map((unit) => `x: ${unit}`);
  const deep = "--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n";
  for (const unit of ['\\"', '"', "{", "a=", '":', "\r\n--", "\r\n--b\r\n", deep, ...heads]) {
    const long = `${unit.repeat(65_536 / unit.length)}\r\n\r\nx`;
    const parts = ["multipart/form-data", "multipart/form-data; boundary=b"];
    for (const type of ["application/json", ...parts, "text/plain"]) {
      t.ok(masking.body(long, type).length >= 0);
    }
  }
});

t.test("the app's function has the last word, and shows nothing if it fails", async (t) => {
  const what = { part: "body", of: "request", name: "", path: "/" } as const;
  t.equal(maskedBy((text, { path }) => text + path, "a", what), "a/");
  t.equal(maskedBy(() => undefined, "a", what), MASK);
  t.equal(maskedBy(() => {
    throw new Error("x");
  }, "a", what), MASK);
});

t.test("a promise of the app's function is no text, and ends nothing if it fails", async (t) => {
  const what = { part: "body", of: "request", name: "", path: "/" } as const;
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  process.on("unhandledRejection", note);
  t.teardown(() => process.off("unhandledRejection", note));
  t.equal(maskedBy(async (text) => text, "a", what), MASK);
  t.equal(maskedBy(async () => {
    throw new Error("x");
  }, "a", what), MASK);
  await new Promise(setImmediate);
  t.same(unhandled, []);
});
