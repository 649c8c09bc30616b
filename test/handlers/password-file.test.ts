/** Tests of htpasswd files. */
import { rmSync, utimesSync, writeFileSync } from "node:fs";
import promises from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { hashSync } from "bcryptjs";
import t from "tap";
import { passwordFile } from "../../src/handlers/password-file.ts";
import { ownFolder } from "../support/folder.ts";

/** Made by `openssl passwd -apr1 -salt qHDFfhPC flour`. */
const APR1 = "$apr1$qHDFfhPC$mL0rO2BvvxX0HUg7ebXRP/";
const BCRYPT = hashSync("flour", 4);

t.test("each kind of hash that is known", async (t) => {
  const file = join(ownFolder(t), "passwords");
  writeFileSync(file, [
    "# people", "", `one:${BCRYPT}`, `two:${BCRYPT.replace("$2b$", "$2y$")}`,
    "three:{SHA}NWoZK3kTsExUV00Ywo1G5jlUKKs=", "", `four:${APR1}`,
    "umlaut:$apr1$qHDFfhPC$oFMWRfswiHbgnFc8aGNBs.", "other:$apr1$qHDFfhPC$6cZQphengy1WKBfkA6GtN.",
    "",
  ].join("\n"));
  const lookup = passwordFile(file);
  t.strictSame(await lookup("one", "flour"), { name: "one" });
  t.strictSame(await lookup("two", "flour"), { name: "two" });
  t.strictSame(await lookup("three", "1"), { name: "three" });
  t.strictSame(await lookup("four", "flour"), { name: "four" });
  t.strictSame(await lookup("umlaut", "mühle"), { name: "umlaut" }, "as openssl hashes it");
  t.strictSame(await lookup("other", "пароль"), { name: "other" });
  t.equal(await lookup("four", "\u0166lour"), null, "no other character has the same bytes");
  for (const user of ["one", "two", "three", "four"]) {
    t.equal(await lookup(user, "salt"), null);
    t.equal(await lookup(user.toUpperCase(), "flour"), null);
    t.equal(await lookup(user, ""), null);
  }
  for (const user of ["five", "", "# people", "__proto__"]) {
    t.equal(await lookup(user, "flour"), null);
  }
});

t.test("the file is read again when it has changed, also for who is remembered", async (t) => {
  const file = join(ownFolder(t), "passwords");
  writeFileSync(file, `one:${BCRYPT}\n`);
  for (const options of [{}, { rememberMs: 0 }]) {
    writeFileSync(file, `one:${BCRYPT}\n`);
    const lookup = passwordFile(file, options);
    for (let i = 0; i < 2; i++) t.ok(await lookup("one", "flour"));
    t.equal(await lookup("one", "salt"), null);
    writeFileSync(file, `one:${hashSync("salt", 4)}\n`);
    utimesSync(file, new Date(), new Date(Date.now() + 5000));
    t.equal(await lookup("one", "flour"), null);
    t.ok(await lookup("one", "salt"));
    writeFileSync(file, "");
    t.equal(await lookup("one", "salt"), null);
  }
});

t.test("a file that cannot be read lets nobody in, and says which line is wrong", async (t) => {
  const file = join(ownFolder(t), "passwords");
  await t.rejects(passwordFile(file)("a", "b") as Promise<unknown>, { code: "ENOENT" });
  writeFileSync(file, `one:${BCRYPT}\ntwo:plain\n`);
  const lookup = passwordFile(file);
  await t.rejects(lookup("one", "flour") as Promise<unknown>, {
    message: `${file}:2: the password of "two" is hashed in no known way`,
  });
  writeFileSync(file, `one:${BCRYPT}\nno line at all\n`);
  await t.rejects(lookup("one", "flour") as Promise<unknown>, { message: `${file}:2: this is no` });
  writeFileSync(file, `one:${BCRYPT}\r\n`);
  t.ok(await lookup("one", "flour"));
  rmSync(file);
  await t.rejects(lookup("one", "flour") as Promise<unknown>, { code: "ENOENT" });
  t.throws(() => passwordFile(file, { rememberMs: -1 }), TypeError);
  for (const path of [undefined, 5, "", null]) {
    t.throws(() => passwordFile(path as unknown as string), {
      name: "TypeError", code: "ERR_MILLRACE_OPTION_INVALID", message: /^passwordFile: /,
    });
  }
  t.throws(() => passwordFile(file, { remember: 0 } as object), { message: "mean rememberMs?" });
});

t.test("what is compared for an unknown name lets nobody in, also if it is right", async (t) => {
  const file = join(ownFolder(t), "passwords");
  for (const hash of [BCRYPT, APR1]) {
    writeFileSync(file, `one:${hash}\n`);
    const lookup = passwordFile(file);
    for (let i = 0; i < 2; i++) t.equal(await lookup("two", "flour"), null);
    t.ok(await lookup("one", "flour"));
    t.equal(await lookup("two", "flour"), null);
  }
});

t.test("a password whose file has changed while it was compared is not remembered", async (t) => {
  let text = `one:${BCRYPT}\n`;
  const { stat, readFile } = promises;
  const restore = (): void => {
    Object.assign(promises, { stat, readFile });
    syncBuiltinESMExports();
  };
  t.teardown(restore);
  // Both answer at once, and bcrypt takes a turn of the loop: who came first ends last.
  Object.assign(promises, {
    stat: async () => ({ mtimeNs: 0n, size: BigInt(text.length), ino: 1n }),
    readFile: async () => text,
  });
  syncBuiltinESMExports();
  const lookup = passwordFile("passwords");
  t.equal(await lookup("one", "salt"), null);
  const first = Promise.resolve(lookup("one", "flour"));
  let hasEnded = false;
  void first.then(() => (hasEnded = true));
  text = "one:{SHA}NWoZK3kTsExUV00Ywo1G5jlUKKs=\n";
  t.ok(await lookup("one", "1"));
  t.notOk(hasEnded, "it is compared yet");
  t.ok(await first, "it was right when it was asked");
  t.equal(await lookup("one", "flour"), null);
  t.ok(await lookup("one", "1"));
});
