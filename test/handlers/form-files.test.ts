/** Tests of files on their way to the disk. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import t from "tap";
import { FormFiles } from "../../src/handlers/form-files.ts";
import type { HttpError } from "../../src/shared/errors.ts";
import { ownFolder } from "../support/folder.ts";

const FACTS = { field: "f", name: "../../etc/passwd", type: "text/x" };

t.test("a file lies where nobody else may look, and goes unless it is kept", async (t) => {
  const parent = ownFolder(t);
  const files = new FormFiles(parent, 100);
  const one = await files.store(Readable.from([Buffer.from("one")]), FACTS);
  const two = await files.store(Readable.from([Buffer.from("two")]), FACTS);
  t.match(one, { ...FACTS, size: 3 });
  t.equal(readFileSync(one.path, "utf8"), "one");
  t.equal(statSync(one.path).mode & 0o777, 0o600);
  const [folder] = readdirSync(parent);
  t.equal(statSync(join(parent, folder!)).mode & 0o777, 0o700);
  t.equal(readdirSync(join(parent, folder!)).length, 2);
  mkdirSync(join(parent, "kept"));
  await two.keep(join(parent, "kept", "two"));
  await files.remove();
  t.strictSame(readdirSync(parent), ["kept"]);
  t.equal(readFileSync(join(parent, "kept", "two"), "utf8"), "two");
});

t.test("what is too long ends with 413, and its beginning goes too", async (t) => {
  const parent = ownFolder(t);
  const files = new FormFiles(parent, 5);
  t.equal((await files.store(Readable.from([Buffer.from("12345")]), FACTS)).size, 5);
  const pieces = Readable.from([Buffer.from("123"), Buffer.from("456")]);
  const error: unknown = await files.store(pieces, FACTS).catch((cause: unknown) => cause);
  t.equal((error as HttpError).status, 413);
  await files.remove();
  t.strictSame(readdirSync(parent), []);
});

t.test("a source that breaks off, a folder that is none, a full disk", async (t) => {
  const parent = ownFolder(t);
  const files = new FormFiles(parent, 100);
  async function* broken(): AsyncGenerator<Buffer> {
    yield Buffer.from("a");
    throw new Error("gone");
  }
  await t.rejects(files.store(Readable.from(broken()), FACTS), { message: "gone" });
  await files.remove();
  const nowhere = new FormFiles(join(parent, "nowhere"), 100);
  await t.rejects(nowhere.store(Readable.from([]), FACTS), { code: "ENOENT" });
  await nowhere.remove();
  await new FormFiles(parent, 1).remove();
  t.equal(existsSync(join(parent, "nowhere")), false);
});
