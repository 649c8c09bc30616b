/** Tests of the Basic scheme's credentials. */
import t from "tap";
import { basicChallenge, basicCredentials } from "../../src/handlers/basic-credentials.ts";

function credentialsOf(field: string | null): ReturnType<typeof basicCredentials> {
  return basicCredentials(new Headers(field === null ? {} : { authorization: field }));
}

function encoded(text: string, encoding: BufferEncoding = "utf8"): string {
  return `Basic ${Buffer.from(text, encoding).toString("base64")}`;
}

t.test("user and password, as they were sent", (t) => {
  const cases: [string, string, string][] = [
    ["a:b", "a", "b"], ["a:b:c", "a", "b:c"], [":", "", ""], ["a:", "a", ""], [":b", "", "b"],
    ["Jürgen:pässword ✓", "Jürgen", "pässword ✓"],
  ];
  for (const [text, user, password] of cases) {
    t.strictSame(credentialsOf(encoded(text)), { user, password });
    t.strictSame(credentialsOf(encoded(text).replace("Basic", "bAsIc")), { user, password });
  }
  t.strictSame(credentialsOf(encoded("Jürgen:ä", "latin1")), { user: "Jürgen", password: "ä" });
  t.end();
});

t.test("what is none", (t) => {
  const none = [
    null, "", "Basic", "Basic ", "Bearer YTpi", encoded("no colon"), "Basic YTpi YTpi", "Basic !!",
    "BasicYTpi",
  ];
  for (const field of none) t.equal(credentialsOf(field), null);
  t.end();
});

t.test("the challenge", (t) => {
  t.equal(basicChallenge('a "b" \\'), 'Basic realm="a \\"b\\" \\\\", charset="UTF-8"');
  for (const realm of ["a\nb", "ä", "\0"]) t.throws(() => basicChallenge(realm), TypeError);
  t.end();
});
