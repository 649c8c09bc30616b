/**
 * Handlers in the style of an event: what came lies in properties, and what the code leaves in
 * properties is the answer, which is made when the code has returned. The two are apart: nothing of
 * a request is sent back unless the code says so. Any thread.
 */
import type { Context, FetchHandler, MillraceRequest } from "../shared/app.ts";
import { checkKnown, wrongOption } from "../shared/option-checks.ts";
import { basicChallenge } from "./basic-credentials.ts";
import { asObject, EventBag, type ValuesAs } from "./event-bag.ts";
import { readEvent } from "./event-input.ts";
import { answerOfEvent } from "./event-output.ts";
import { isMediaType } from "./media-type.ts";
import { answerWith } from "./wrapping.ts";

export interface HttpEvent {
  /** What came: `event.in["http.Host"]`, whatever the case of the name. */
  readonly in: Record<string, unknown>;
  /** What goes out: `event.out["http.status"] = "NOT FOUND"`. */
  readonly out: Record<string, unknown>;
  /** `event.in[name]`. */
  get(name: string): unknown;
  /** Every value that came under the name. */
  all(name: string): readonly unknown[];
  /**
   * `event.out[name] = value`; an array is several values, but as `http.body` of properties it is
   * the body; `undefined` takes it away.
   */
  set(name: string, value: unknown): void;
  /** The files of a `multipart/form-data` body; its other fields are `http.qs.` properties. */
  readonly files: readonly File[];
  readonly request: MillraceRequest;
  readonly context: Context;
}

export interface EventHandlerOptions {
  /** One value a name, or an array. Default "properties". */
  readonly valuesAs?: ValuesAs;
  /** Of a body whose type the code does not say. Default "text/plain". */
  readonly contentType?: string;
  /** With the status FORBIDDEN. Default "millrace". */
  readonly realm?: string;
  /** `;` between parameters, beside `&`. Default false. */
  readonly semicolons?: boolean;
}

const OPTIONS: readonly string[] = ["valuesAs", "contentType", "realm", "semicolons"];
/** Behind a media type: its parameters. */
const PARAMETERS = /;[\t\x20-\x7e]*$/;

/**
 * The handler that runs the code for each request, once its whole body has come. A Response that
 * the code returns, or what it writes with `context.reply()`, is the answer in the place of the
 * properties. Throws a TypeError for what is no function, and for options that are none.
 */
export function eventHandler(
  run: (event: HttpEvent) => unknown,
  options: EventHandlerOptions = {},
): FetchHandler {
  if (typeof run !== "function") throw wrongOption("eventHandler: the code is a function");
  const settings = checked(options);
  return async (request, context) => {
    const { bag, files } = await readEvent(request, context, settings);
    const left = new EventBag(settings.valuesAs);
    const event: HttpEvent = {
      in: asObject(bag),
      out: asObject(left),
      get: (name) => bag.get(name),
      all: (name) => bag.all(name),
      set: (name, value) => left.put(name, value),
      files,
      request,
      context,
    };
    const answer = await answerWith(() => ownAnswer(run, event), request, context, () => {});
    return answer ?? await answerOfEvent(left, settings);
  };
}

/** What else the code returns, such as the value of an arrow function, means nothing. */
async function ownAnswer(
  run: (event: HttpEvent) => unknown,
  event: HttpEvent,
): Promise<Response | undefined> {
  const result = await run(event);
  return result instanceof Response ? result : undefined;
}

function checked(options: EventHandlerOptions): Required<EventHandlerOptions> {
  checkKnown("eventHandler", options, OPTIONS);
  const {
    valuesAs = "properties", contentType = "text/plain", realm = "millrace", semicolons = false,
  } = options;
  if (valuesAs !== "properties" && valuesAs !== "attributes") {
    throw wrongOption('eventHandler: valuesAs is "properties" or "attributes"');
  }
  if (!isContentType(contentType)) {
    throw wrongOption('eventHandler: contentType is a media type, such as "text/html"');
  }
  if (typeof realm !== "string") throw wrongOption("eventHandler: realm is a string");
  basicChallenge(realm);
  if (typeof semicolons !== "boolean") {
    throw wrongOption("eventHandler: semicolons is true or false");
  }
  return { valuesAs, contentType, realm, semicolons };
}

function isContentType(value: unknown): boolean {
  return typeof value === "string" && isMediaType(value.replace(PARAMETERS, "").trimEnd());
}
