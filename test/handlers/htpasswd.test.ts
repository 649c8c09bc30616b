/** Tests of what an htpasswd file says, and of what unknown names are compared with. */
import t from "tap";
import { Htpasswd, kindOf } from "../../src/handlers/htpasswd.ts";

const BCRYPT_5 = `$2y$05$${"a".repeat(53)}`;
const BCRYPT_12 = `$2b$12$${"b".repeat(53)}`;
const APR1 = "$apr1$qHDFfhPC$mL0rO2BvvxX0HUg7ebXRP/";
const SHA1 = "{SHA}NWoZK3kTsExUV00Ywo1G5jlUKKs=";

const names = Array.from({ length: 200 }, (_, at) => `unknown ${at}`);

t.test("each kind by its look", (t) => {
  t.equal(kindOf(BCRYPT_5), "bcrypt");
  t.equal(kindOf(APR1), "apr1");
  t.equal(kindOf(SHA1), "sha1");
  for (const other of ["", "plain", "$1$abc$def", BCRYPT_5.slice(1)]) t.equal(kindOf(other), null);
  t.end();
});

t.test("who is unknown costs what the file's users cost", (t) => {
  for (const hash of [BCRYPT_5, BCRYPT_12, APR1, SHA1]) {
    const users = new Htpasswd("f", `one:${hash}\ntwo:${hash}\n`);
    for (const name of names) {
      t.notOk(users.has(name));
      t.equal(users.hashFor(name), hash);
    }
  }
  t.end();
});

t.test("of several kinds an unknown name has one, always the same", (t) => {
  const users = new Htpasswd("f", `a:${BCRYPT_5}\nb:${SHA1}\nc:${BCRYPT_12}\n`);
  t.equal(users.hashFor("a"), BCRYPT_5);
  t.equal(users.hashFor("b"), SHA1);
  const seen = new Set(names.map((name) => users.hashFor(name)));
  t.equal(seen.size, 3, "as names of the file have them");
  for (const name of names) t.equal(users.hashFor(name), users.hashFor(name));
  t.end();
});

t.test("of two lines with one name the first counts, as in Apache", (t) => {
  const users = new Htpasswd("f", `a:${BCRYPT_5}\nb:${SHA1}\na:${APR1}\n`);
  t.equal(users.hashFor("a"), BCRYPT_5);
  t.equal(users.hashFor("b"), SHA1);
  t.throws(() => new Htpasswd("f", `a:${SHA1}\na:secret`), { message: "f:2: the password of" });
  t.end();
});

t.test("nobody is in an empty file", (t) => {
  const users = new Htpasswd("f", "# nobody\n\n");
  t.notOk(users.has("a"));
  t.equal(users.hashFor("a"), null);
  t.end();
});

t.test("a line that is none is named, its hash is not", (t) => {
  t.throws(() => new Htpasswd("f", `a:${SHA1}\nb`), { message: "f:2: this is no line" });
  t.throws(() => new Htpasswd("f", "a:secret"), {
    message: 'f:1: the password of "a" is hashed in no known way; make it with htpasswd -B',
  });
  t.end();
});
