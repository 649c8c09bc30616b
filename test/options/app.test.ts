/** Tests of what the option `app` may be. */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import t from "tap";
import { isAppOption, resolveApp } from "../../src/options/app.ts";

t.test("a path is taken against the working directory", async (t) => {
  const href = pathToFileURL(`${process.cwd()}/package.json`).href;
  t.strictSame(resolveApp("package.json", 2), { kind: "module", href });
  t.strictSame(resolveApp("./package.json", 2), { kind: "module", href });
});

t.test("a URL keeps its query", async (t) => {
  const url = new URL("?v=2", pathToFileURL(`${process.cwd()}/package.json`));
  t.strictSame(resolveApp(url, 2), { kind: "module", href: url.href });
});

t.test("a path with signs that URLs give a meaning is found", async (t) => {
  const folder = t.testdir({ "a #b%20?.mjs": "" });
  const path = `${folder}/a #b%20?.mjs`;
  t.strictSame(resolveApp(path, 2), { kind: "module", href: pathToFileURL(path).href });
});

t.test("a file that is not there is refused before any thread starts", async (t) => {
  t.throws(() => resolveApp("./none.mjs", 2), {
    code: "ERR_MILLRACE_APP_NOT_FOUND", message: /^app not found: \/.*none\.mjs \(no such file\)$/,
  });
  t.throws(() => resolveApp("package.json/none.mjs", 2), { message: /\(ENOTDIR\)$/ });
});

t.test("a folder is an app that serves its files", async (t) => {
  const { href } = resolveApp("test", 2) as { href: string };
  t.match(href, /\/handlers\/folder-app\.js\?root=/);
  t.equal(new URL(href).searchParams.get("root"), resolve("test"));
});

t.test("only file: URLs are taken", async (t) => {
  t.throws(() => resolveApp(new URL("https://example.org/app.mjs"), 2), {
    code: "ERR_MILLRACE_OPTION_INVALID",
    message: "app must be a path or a file: URL without a host, not https://example.org/app.mjs",
  });
});

t.test("an app as a value needs workers: 0", async (t) => {
  const app = { fetch: () => new Response("x") };
  t.strictSame(resolveApp(app, 0), { kind: "value", value: app });
  for (const [value, form] of [[app, "an object"], [() => "x", "a function"]] as const) {
    t.throws(() => resolveApp(value, 1), {
      code: "ERR_MILLRACE_APP_NOT_PATH",
      message: new RegExp(`^app is ${form}.*app: "./app.mjs".*workers: 0$`),
    });
  }
});

t.test("what can be no app at all", async (t) => {
  for (const wrong of ["", 1, null, undefined, true]) t.notOk(isAppOption(wrong));
});
