/** Tests of what a path may name below a folder. */
import t from "tap";
import { decodedPath, isSafePath } from "../../src/handlers/file-path.ts";

t.test("paths that name something", async (t) => {
  for (const path of ["", "a", "a/b.txt", "a/", "a b/ö", "a..b/c...", "%", "a%2e"]) {
    t.ok(isSafePath(path, false), path);
  }
});

t.test("paths that could be of another place", async (t) => {
  const unsafe = [
    "..", ".", "a/../b", "a/./b", "../a", "a/..", "a\0b", "a\\b", "..\\a", "/a", "a//b", "//a",
    "a%2fb", "..%2F..%2Fetc", "x".repeat(256), "ö".repeat(128),
  ];
  for (const path of unsafe) t.notOk(isSafePath(path, true), JSON.stringify(path));
});

t.test("names that begin with a dot", async (t) => {
  t.notOk(isSafePath(".env", false));
  t.notOk(isSafePath("a/.git/config", false));
  t.ok(isSafePath(".env", true));
  t.notOk(isSafePath("..", true));
});

t.test("paths are decoded once", async (t) => {
  t.equal(decodedPath("/a%20b/%252e%252e/c"), "a b/%2e%2e/c");
  t.equal(decodedPath("/%E0%A4%A/x%2Fy"), "%E0%A4%A/x%2Fy");
});
