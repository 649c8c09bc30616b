/**
 * Reads the transcripts of test/conformance/http1: one case per `##` heading, as the README.md
 * there describes. Pure.
 */

/** What the client does, in this order. */
export type Step =
  | { readonly kind: "bytes"; readonly bytes: Buffer }
  | { readonly kind: "half-close" }
  | { readonly kind: "reset" }
  /** Goes on once all of this has come. */
  | { readonly kind: "await"; readonly text: string };

/** What becomes of the connection: `gone` is a reset by the client. */
export type End = "closed" | "kept" | "gone";

export interface Transcript {
  /** Of the heading, as `file:line`. */
  readonly place: string;
  readonly title: string;
  readonly why: string;
  /** Of the listener it is sent to. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly steps: readonly Step[];
  /** Latin-1, with `{date}` for each date. */
  readonly expected: string;
  readonly end: End;
}

const ENDS: Readonly<Record<string, End>> =
  { "Closed.": "closed", "Kept.": "kept", "Gone.": "gone" };
const OPTIONS = /^Options: `(.*)`$/m;
const BLOCK = /^```(send|expect)\n([^]*?)^```$/gm;
/** `last`, the kind, the status line and the text of an answer that is named by its kind. */
const ANSWER = /\{(last )?(answer|error) (\d{3} [^"{}]*?) ?"((?:[^"\\]|\\.)*)"\}/g;
const RUN = /\{"((?:[^"\\]|\\.)+)" x (\d+)\}/g;

export function parseTranscripts(file: string, text: string): Transcript[] {
  const [preamble = "", ...parts] = text.split(/^(?=## )/m);
  const options = optionsOf(preamble);
  let line = preamble.split("\n").length;
  return parts.map((part) => {
    const transcript = parseCase(`${file}:${line}`, part, options);
    line += part.split("\n").length - 1;
    return transcript;
  });
}

function optionsOf(text: string): Record<string, unknown> {
  const found = OPTIONS.exec(text.replaceAll(BLOCK, ""));
  return found === null ? {} : JSON.parse(found[1] ?? "{}");
}

function parseCase(place: string, part: string, shared: Record<string, unknown>): Transcript {
  const blocks = new Map<string, string>();
  for (const [, kind = "", body = ""] of part.matchAll(BLOCK)) {
    if (blocks.has(kind)) throw new Error(`${place}: two blocks "${kind}"`);
    blocks.set(kind, body);
  }
  const [heading = "", ...lines] = part.replaceAll(BLOCK, "").split("\n").filter(Boolean);
  const end = ENDS[lines.at(-1) ?? ""];
  const sent = blocks.get("send");
  if (sent === undefined) throw new Error(`${place}: no block "send"`);
  if (end === undefined) throw new Error(`${place}: must end with ${Object.keys(ENDS).join(" ")}`);
  const why = lines.slice(0, -1).filter((line) => !OPTIONS.test(line)).join(" ");
  if (why === "") throw new Error(`${place}: does not say why`);
  return {
    place,
    title: heading.slice(3),
    why,
    options: { ...shared, ...optionsOf(part) },
    steps: stepsOf(sent, place),
    expected: bytesOf(withAnswers(spread(blocks.get("expect") ?? "")), place),
    end,
  };
}

function stepsOf(block: string, place: string): Step[] {
  const steps: Step[] = [];
  let text = "";
  const flush = (): void => {
    const bytes = Buffer.from(bytesOf(text, place), "latin1");
    if (bytes.length > 0) steps.push({ kind: "bytes", bytes });
    text = "";
  };
  for (const line of block.split("\n")) {
    if (!line.startsWith("@")) {
      text += `${line}\n`;
      continue;
    }
    flush();
    steps.push(directive(line, place));
  }
  flush();
  return steps;
}

function directive(line: string, place: string): Step {
  if (line === "@half-close") return { kind: "half-close" };
  if (line === "@reset") return { kind: "reset" };
  const awaited = /^@await (.+)$/.exec(line);
  if (awaited !== null) return { kind: "await", text: bytesOf(awaited[1] ?? "", place) };
  throw new Error(`${place}: unknown directive ${line}`);
}

/** An answer of the usual form, written out. */
function withAnswers(block: string): string {
  return block.replaceAll(ANSWER, (...parts: (string | undefined)[]) => {
    const [, last, kind, status, body = ""] = parts;
    const length = bytesOf(body, "").length;
    const lines = [`HTTP/1.1 ${status}`, "Date: {date}", "Content-Type: text/plain;charset=UTF-8"];
    if (kind === "error") lines.push("x-content-type-options: nosniff");
    if (last !== undefined) lines.push("Connection: close");
    return `${[...lines, `Content-Length: ${length}`].join("\\r\\n")}\\r\\n\\r\\n${body}`;
  });
}

const ESCAPES: Readonly<Record<string, string>> =
  { r: "\r", n: "\n", t: "\t", "0": "\0", "\\": "\\", '"': '"' };

/** With long runs written out. */
function spread(text: string): string {
  return text.replaceAll(RUN, (_, piece: string, count: string) => piece.repeat(Number(count)));
}

/** The bytes of a text, as Latin-1: line ends of the text are none of them, escapes are. */
function bytesOf(text: string, place: string): string {
  const line = spread(text).replaceAll("\n", "");
  return line.replaceAll(/\\(x[0-9a-f]{2}|[^])/g, (_, escape: string) => {
    if (escape.length === 3) return String.fromCodePoint(Number.parseInt(escape.slice(1), 16));
    const sign = ESCAPES[escape];
    if (sign === undefined) throw new Error(`${place}: unknown escape \\${escape}`);
    return sign;
  });
}
