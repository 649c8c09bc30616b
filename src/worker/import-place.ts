/**
 * Where in the app's files an import stands, or what it leads to is wrong, when `import()` of the
 * app has failed with an error whose stack does not tell. Thread: the worker's.
 */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { asPath, PLACE, placeOf } from "./error-place.ts";

/** How long the process may take that looks for a syntax error. */
const CHECK_MS = 5000;
/** What Node.js says of a module or a package that it does not find. */
const NOT_FOUND = /^Cannot find (?:module|package) '(.+?)' imported from (\/.+)$/m;
/** A specifier in quotes behind `from`, `import` or `import(`. */
const SPECIFIER = /\b(?:from|import)\s*\(?\s*(["'])(.+?)\1/g;
const COMMENT = /^\s*(?:\/\/|\/?\*)/;
/** A file of JSON that does not parse, and the offset. */
const JSON_ERROR = /^(?:file:\/\/)?(\/.+?): .*\bJSON at position (\d+)/;

/** As `file:line` or `file:line:column`; undefined if it cannot be known. */
export async function placeOfImport(href: string, error: unknown): Promise<string | undefined> {
  const place = placeOf(error);
  if (place !== undefined || !(error instanceof Error)) return place;
  const missing = NOT_FOUND.exec(error.message);
  if (missing !== null) return await placeOfSpecifier(missing[1]!, missing[2]!);
  if (!(error instanceof SyntaxError)) return undefined;
  const json = JSON_ERROR.exec(error.message);
  return json === null ? await placeOfSyntax(href) : await placeInJson(json[1]!, Number(json[2]));
}

/** The line of the file that imports what was not found, if it is the only one that does. */
async function placeOfSpecifier(missing: string, file: string): Promise<string | undefined> {
  const found: number[] = [];
  for (const [index, line] of (await linesOf(file)).entries()) {
    if (COMMENT.test(line)) continue;
    const specifiers = Array.from(line.matchAll(SPECIFIER), ([, , specifier = ""]) => specifier);
    if (specifiers.some((each) => leadsTo(each, missing, file))) found.push(index + 1);
  }
  return found.length === 1 ? `${file}:${found[0]}` : undefined;
}

/** `missing` is the path of a module, or the name of a package. */
function leadsTo(specifier: string, missing: string, file: string): boolean {
  if (!missing.startsWith("/")) return `${specifier}/`.startsWith(`${missing}/`);
  try {
    return fileURLToPath(new URL(specifier, pathToFileURL(file))) === missing;
  } catch {
    return false;
  }
}

async function placeInJson(file: string, offset: number): Promise<string> {
  const before = (await linesOf(file)).join("\n").slice(0, offset).split("\n");
  return `${file}:${before.length}:${before.at(-1)!.length + 1}`;
}

/** None if it cannot be read any more. */
async function linesOf(file: string): Promise<string[]> {
  return await readFile(file, "utf8").then((text) => text.split("\n"), () => []);
}

/**
 * V8 does not tell a program where a module's syntax is wrong, only the process that ends by it:
 * another Node.js links the modules, and the first of them throws, so that none of the app's runs.
 */
function placeOfSyntax(href: string): Promise<string | undefined> {
  const source = `import "data:text/javascript,throw 0";\nimport ${JSON.stringify(href)};`;
  const args = [...process.execArgv, "--input-type=module", "--eval", source];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { timeout: CHECK_MS }, (_error, _stdout, stderr) => {
      const isSyntax = /^SyntaxError/m.test(stderr);
      const place = isSyntax ? PLACE.exec(stderr)?.[1] : undefined;
      resolve(place === undefined ? undefined : asPath(place));
    });
  });
}
