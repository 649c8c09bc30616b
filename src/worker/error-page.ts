/**
 * What answers a request that has failed: a bare text, or with `development` a page for the person
 * who writes the app, with the stack, the line of the source and the request. Whatever comes from
 * an error or a client is escaped. Thread: the engine's.
 */
import { readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import type { HttpError } from "../shared/errors.ts";
import type { Exchange } from "./exchange.ts";
import { LightHeaders } from "./headers.ts";
import { Masking } from "./masking.ts";
import type { ResponseParts } from "./response-parts.ts";
import { LightResponse, responseParts } from "./response.ts";
import { shownLines, shownMarkup } from "./shown-text.ts";

/** Characters of an error: a nested one can be as long as what it holds. */
const ERROR_MAX = 65_536;
/** Nobody writes a source that is longer; a bundle is not looked into. */
const SOURCE_BYTES_MAX = 1_048_576;
/** Lines before and behind the one that is meant. */
const AROUND = 4;
/** Of one line, which may be minified. */
const LINE_MAX = 200;
/** A frame of a stack that is a file's: `at f (file:///a.mjs:1:2)`. */
const FRAME = /^ *at (?:.*\()?((?:file:\/\/)?\/.*?):(\d+):\d+\)?$/;
/** What is longer is no frame: the expression takes the square of it. */
const FRAME_MAX = 2048;
const OWN_FOLDER = fileURLToPath(new URL("..", import.meta.url));

interface Answer {
  readonly status: number;
  readonly headers?: HttpError["headers"];
}

/** Plain text that no browser takes for anything else. */
export function textParts(
  status: number,
  text: string,
  headers?: HttpError["headers"],
): ResponseParts {
  const own = new LightHeaders(headers);
  own.set("x-content-type-options", "nosniff");
  return responseParts(new LightResponse(shownLines(text), { status, headers: own }));
}

/** With the stack and the cause. */
export function describe(error: unknown): string {
  try {
    return inspect(error);
  } catch {
    return "an object that cannot be looked at";
  }
}

/** HTML for who asks for it, as browsers do; text for everybody else. */
export function errorPage(exchange: Exchange, error: unknown, answer: Answer): ResponseParts {
  const text = describe(error).slice(0, ERROR_MAX);
  const excerpt = excerptOf(framesOf(text, error));
  const isHtml = /(?:^|[\s,])text\/html(?:[\s,;]|$)/i.test(exchange.find("accept") ?? "");
  if (!isHtml) {
    const shown = excerpt === null ? text : `${text}\n\n${excerpt.place}\n${excerpt.lines}`;
    return textParts(answer.status, shown, answer.headers);
  }
  const headers = new LightHeaders(answer.headers);
  headers.set("content-type", "text/html;charset=UTF-8");
  headers.set("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'");
  headers.set("x-content-type-options", "nosniff");
  headers.set("cache-control", "no-store");
  const html = htmlPage(exchange, answer.status, text, excerpt);
  return responseParts(new LightResponse(html, { status: answer.status, headers }));
}

/** The message may hold what looks like a frame, and may come from a client. */
function framesOf(text: string, error: unknown): string {
  const message = messageOf(error);
  if (message === "") return text;
  const at = text.indexOf(message);
  return at < 0 ? "" : text.slice(at + message.length);
}

function messageOf(error: unknown): string {
  try {
    const message: unknown = error instanceof Error ? error.message : "";
    return typeof message === "string" ? message : "";
  } catch {
    return "";
  }
}

interface Excerpt {
  readonly place: string;
  readonly lines: string;
}

/** The source around the first place of a stack that is the app's; null: it cannot be shown. */
function excerptOf(stack: string): Excerpt | null {
  for (const frame of stack.split("\n")) {
    const [, where, line] = (frame.length > FRAME_MAX ? null : FRAME.exec(frame)) ?? [];
    if (where === undefined) continue;
    const path = pathOf(where);
    if (path === null || path.startsWith(OWN_FOLDER)) continue;
    if (path.includes("/node_modules/")) continue;
    const source = sourceOf(path);
    if (source === null) return null;
    return { place: `${path}:${line}`, lines: linesAround(source, Number(line)) };
  }
  return null;
}

function pathOf(where: string): string | null {
  try {
    return where.startsWith("file:") ? fileURLToPath(where) : where;
  } catch {
    return null;
  }
}

/** A stack is text that an app can make up: what is read is a file that is a source. */
function sourceOf(path: string): string | null {
  if (!/\.[cm]?[jt]sx?$/.test(path)) return null;
  try {
    const { size } = statSync(path);
    return size > SOURCE_BYTES_MAX ? null : readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

function linesAround(source: string, line: number): string {
  const lines = source.split(/\r?\n/);
  const first = Math.max(line - AROUND, 1);
  const width = String(line + AROUND).length;
  return lines.slice(first - 1, line + AROUND).map((text, at) => {
    const number = first + at;
    const mark = number === line ? ">" : " ";
    return `${mark} ${String(number).padStart(width)} | ${text.slice(0, LINE_MAX)}`;
  }).join("\n");
}

function htmlPage(
  exchange: Exchange,
  status: number,
  error: string,
  excerpt: Excerpt | null,
): string {
  const masking = new Masking({});
  const raw = exchange.receivedHeaders();
  const target = masking.target(exchange.rawTarget(), exchange.target.path);
  const request = [`${exchange.method} ${target}`];
  for (let i = 0; i < raw.length; i += 2) {
    request.push(`${raw[i]}: ${masking.field(raw[i]!, raw[i + 1]!)}`);
  }
  const [title = ""] = error.split("\n", 1);
  const source = excerpt === null
    ? ""
    : `<h2>${shownMarkup(excerpt.place)}</h2>\n<pre>${shownMarkup(excerpt.lines)}</pre>\n`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${status}: ${shownMarkup(title)}</title>
<style>
body { font: 16px/1.5 sans-serif; margin: 2em auto; max-width: 60em; padding: 0 1em }
pre { background: #f3f3f3; color: #222; overflow-x: auto; padding: 1em }
h1 { font-size: 1.4em; overflow-wrap: anywhere } h2 { font-size: 1em; overflow-wrap: anywhere }
</style></head><body>
<h1>${status}: ${shownMarkup(title)}</h1>
<p>In ${shownMarkup(exchange.routeName)}.</p>
${source}<h2>Stack</h2>
<pre>${shownMarkup(error)}</pre>
<h2>Request</h2>
<pre>${shownMarkup(request.join("\n"))}</pre>
<p>This page is shown because <code>development</code> is on.</p>
</body></html>
`;
}
