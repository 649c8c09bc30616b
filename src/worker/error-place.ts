/**
 * Where in the app's files an error comes from, as `file:line:column`, for messages that have to
 * say it: what crosses to the primary has no stack of its own. Thread: the worker's.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

/** How long the process may take that looks for a syntax error. */
const CHECK_MS = 5000;
/** A place in a stack or, as the first line of one, in front of the source that it shows. */
const PLACE = /(?:^|[\s(])((?:file:\/\/|\/)[^\s()]*?:\d+(?::\d+)?)(?=[\s)]|$)/m;

/** Of the first frame that is a file's; undefined for an error without one. */
export function placeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const place = PLACE.exec(error.stack ?? "")?.[1];
  return place === undefined ? undefined : asPath(place);
}

function asPath(place: string): string {
  if (!place.startsWith("file:")) return place;
  const [, href = place, rest = ""] = /^(.*?)((?::\d+){1,2})$/.exec(place) ?? [];
  return fileURLToPath(href) + rest;
}

/**
 * The same for what `import(href)` rejected with. V8 does not tell a program where a module's
 * syntax is wrong, only the process that ends by it: another Node.js links the modules, and the
 * first of them throws, so that none of the app's runs.
 */
export async function placeOfImport(href: string, error: unknown): Promise<string | undefined> {
  if (!(error instanceof SyntaxError)) return placeOf(error);
  const place = placeOf(error);
  return place ?? await placeOfSyntax(href);
}

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

/** `reason` and, if it is known, where. */
export function withPlace(reason: string, place: string | undefined): string {
  return place === undefined || reason.includes(place) ? reason : `${reason} (${place})`;
}
