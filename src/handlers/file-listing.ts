/** The page that lists a folder: names that begin with a dot are not in it. Any thread. */
import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { openFolder, pathOf } from "./inner-folder.ts";

/** A longer page helps nobody. */
const NAMES_MAX = 10_000;
const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;",
};

/**
 * `shown`: the folder's path below the root, as the client knows it. Folders come first. Undefined:
 * there is no such folder in the root.
 */
export async function listing(
  root: string,
  shown: string,
  dotFiles: boolean,
): Promise<Response | undefined> {
  const folder = await openFolder(root, join(root, shown));
  if (folder === null) return undefined;
  try {
    return page(await readdir(pathOf(folder), { withFileTypes: true }), shown, dotFiles);
  } finally {
    await folder.close();
  }
}

function page(found: readonly Dirent[], shown: string, dotFiles: boolean): Response {
  const entries = found
    .filter(({ name }) => dotFiles || !name.startsWith("."))
    .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
    .toSorted((a, b) => Number(b.endsWith("/")) - Number(a.endsWith("/")) || (a < b ? -1 : 1));
  const names = shown === "" ? entries : ["../", ...entries];
  const items = names.slice(0, NAMES_MAX).map((name) => (
    // With ./ in front, so that a colon makes no scheme of it.
    `<li><a href="${escaped(`./${encodeURIComponent(name).replaceAll("%2F", "/")}`)}">` +
      `${escaped(name)}</a></li>`
  ));
  const more = names.length > NAMES_MAX ? `<p>and ${names.length - NAMES_MAX} more</p>` : "";
  const title = escaped(`/${shown}`);
  const text = `<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>${title}</title></head>` +
    `<body><h1>${title}</h1>\n<ul>\n${items.join("\n")}\n</ul>\n${more}</body></html>\n`;
  return new Response(text, {
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": "default-src 'none'",
      "cache-control": "no-cache",
    },
  });
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (sign) => ENTITIES[sign]!);
}
