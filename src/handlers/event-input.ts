/**
 * A request as the properties of an event: `http.method`, `http.base`, `http.<Header>`,
 * `http.qs.<parameter>`, `http.body`, `http.remote_user`, `tcp.remoteIP` and so on, as the HTTP
 * EventHandler of Metamerge has them. Any thread.
 */
import type { Context, MillraceRequest } from "../shared/app.ts";
import { HttpError } from "../shared/errors.ts";
import { basicCredentials } from "./basic-credentials.ts";
import { EventBag, type ValuesAs } from "./event-bag.ts";

export interface EventInput {
  readonly bag: EventBag;
  /** The files of a form. */
  readonly files: readonly File[];
}

export interface EventInputOptions {
  readonly valuesAs: ValuesAs;
  /** `;` parts parameters as `&` does. */
  readonly semicolons: boolean;
}

const FORM = "application/x-www-form-urlencoded";
const MULTIPART = "multipart/form-data";
/** Types whose bodies are text. */
const TEXT =
  /^(?:text\/.*|application\/(?:json|xml|javascript|ecmascript)|[^/]+\/.*\+(?:json|xml))$/;

/**
 * What the server says under `http.`, and nobody else: by a field of such a name a client would say
 * who the user is, also where there is none.
 */
const OWN: ReadonlySet<string> = new Set([
  "method", "base", "remote_user", "remote_pass", "user", "body", "bodyasbytes", "bodyasstring",
]);
const PARAMETER = "qs.";

/**
 * Reads the whole body: limits are those of bodies that are read as a whole. Rejects with an
 * HttpError of status 400 for a form that is broken.
 */
export async function readEvent(
  request: MillraceRequest,
  context: Context,
  { valuesAs, semicolons }: EventInputOptions,
): Promise<EventInput> {
  const bag = new EventBag(valuesAs);
  const separators = semicolons ? /[&;]/ : /&/;
  const url = new URL(request.url);
  for (const [name, value] of context.rawHeaders) addField(bag, name, value);
  bag.put("http.method", request.method);
  bag.put("http.base", decoded(url.pathname));
  addConnection(bag, context);
  addCredentials(bag, request);
  addParameters(bag, url.search.slice(1), separators);
  const files = request.body === null ? [] : await addBody(bag, request, separators);
  if (request.body !== null) await addTrailers(bag, context);
  return { bag, files };
}

/** Of the header or of the trailers. */
function addField(bag: EventBag, name: string, value: string): void {
  const lower = name.toLowerCase();
  if (OWN.has(lower) || lower.startsWith(PARAMETER)) return;
  // Cookies are joined by their own rule (RFC 6265 5.4); commas in them mean nothing.
  bag.add(`http.${name}`, value, lower === "cookie" ? "; " : ", ");
}

/** What is no valid encoding stays as it is. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function addConnection(bag: EventBag, { connection }: Context): void {
  const { remote, local } = connection;
  bag.put("tcp.remoteIP", remote.address);
  bag.put("tcp.remotePort", remote.port);
  bag.put("tcp.localIP", local.address);
  bag.put("tcp.localPort", local.port);
}

function addCredentials(bag: EventBag, request: MillraceRequest): void {
  const credentials = basicCredentials(request.headers);
  if (credentials !== null) {
    bag.put("http.remote_user", credentials.user);
    bag.put("http.remote_pass", credentials.password);
  }
  bag.put("http.user", request.user);
}

/** Of the query and of a form in one name space; a name without `=` is `true`. */
function addParameters(bag: EventBag, text: string, separators: RegExp): void {
  for (const piece of text.split(separators)) {
    // The sign in front keeps a question mark at the beginning from being taken for that of a URL.
    const [pair] = new URLSearchParams(`&${piece}`);
    if (pair === undefined) continue;
    const [name, value] = pair;
    bag.add(`http.${PARAMETER}${name}`, piece.includes("=") ? value : true, ";");
  }
}

async function addBody(
  bag: EventBag,
  request: MillraceRequest,
  separators: RegExp,
): Promise<readonly File[]> {
  const given = request.headers.get("content-type") ?? "";
  const type = given.split(";", 1)[0]!.trim().toLowerCase();
  if (type === FORM) {
    addParameters(bag, await request.text(), separators);
    return [];
  }
  if (type === MULTIPART) return addForm(bag, await formOf(request, given));
  const bytes = new Uint8Array(await request.arrayBuffer());
  const text = decoderOf(given).decode(bytes);
  bag.put("http.body", TEXT.test(type) ? text : bytes);
  bag.put("http.bodyAsBytes", bytes);
  bag.put("http.bodyAsString", text);
  return [];
}

/** As the type's `charset` says; UTF-8 without it, and where nobody knows it. */
function decoderOf(type: string): InstanceType<typeof TextDecoder> {
  const label = /;\s*charset="?([\w:.-]+)"?/i.exec(type)?.[1] ?? "utf-8";
  try {
    return new TextDecoder(label);
  } catch {
    return new TextDecoder();
  }
}

/** Its bytes first: what they fail with is no fault of the form. */
async function formOf(request: MillraceRequest, type: string): Promise<FormData> {
  const body = await request.arrayBuffer();
  try {
    return await new Response(body, { headers: { "content-type": type } }).formData();
  } catch (cause) {
    throw new HttpError(400, "The form is broken", { cause });
  }
}

function addForm(bag: EventBag, form: FormData): readonly File[] {
  const files: File[] = [];
  for (const [name, value] of form) {
    if (typeof value === "string") bag.add(`http.${PARAMETER}${name}`, value, ";");
    else files.push(value);
  }
  return files;
}

async function addTrailers(bag: EventBag, context: Context): Promise<void> {
  for (const [name, value] of await context.trailers) addField(bag, name, value);
}
