/** The page that lists a folder: names that begin with a dot are not in it. Any thread. */
import { readdir } from "node:fs/promises";

/** A longer page helps nobody. */
const NAMES_MAX = 10_000;
const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;",
};

/** `shown`: the folder's path as the client knows it. Folders come first. */
export async function listing(
  folder: string,
  shown: string,
  isRoot: boolean,
  dotFiles: boolean,
): Promise<Response> {
  const found = await readdir(folder, { withFileTypes: true });
  const entries = found
    .filter(({ name }) => dotFiles || !name.startsWith("."))
    .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
    .toSorted((a, b) => Number(b.endsWith("/")) - Number(a.endsWith("/")) || (a < b ? -1 : 1));
  const names = isRoot ? entries : ["../", ...entries];
  const items = names.slice(0, NAMES_MAX).map((name) => (
    // With ./ in front, so that a colon makes no scheme of it.
    `<li><a href="${escaped(`./${encodeURIComponent(name).replaceAll("%2F", "/")}`)}">` +
      `${escaped(name)}</a></li>`
  ));
  const more = names.length > NAMES_MAX ? `<p>and ${names.length - NAMES_MAX} more</p>` : "";
  const title = escaped(`/${shown}`);
  const page = `<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>${title}</title></head>` +
    `<body><h1>${title}</h1>\n<ul>\n${items.join("\n")}\n</ul>\n${more}</body></html>\n`;
  return new Response(page, {
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
