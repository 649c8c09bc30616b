/**
 * A registry of handlers by path, each put in and taken out while requests run. It is a handler
 * object itself, for a route such as `/objects/*`: it answers with the object at the path of the
 * request and declines where there is none. A worker has its own. Any thread.
 */
import type {
  Context, FetchHandler, Handler, HandlerObject, HandlerResult, MillraceRequest,
} from "../shared/app.ts";
import { isMatch, wrongMatch } from "../shared/match-result.ts";
import { ownRules } from "../worker/body-rules.ts";
import { closedBefore, closeOnce } from "../worker/close-once.ts";
import { wrongClose } from "../worker/compiled-route.ts";

/** Part of no path that is taken. */
const SEPARATOR = "\0";
/** What the URL of a request has nowhere in its path, and segments that it resolves. */
const UNREACHED = /[?#\\\t\r\n]|\/(?:\.|%2e){1,2}(?:\/|$)/i;

export class NameSpace implements HandlerObject {
  readonly #objects = new Map<string, Handler>();

  /**
   * False if there is something at the path already. A TypeError for what is no path or no handler,
   * a path that no request has, such as one with a query or with dot segments,
   * and for an object with rules for bodies or times: those are of the route that leads here, since
   * they count before it is known which object answers.
   */
  insert(path: string, object: Handler): boolean {
    const key = keyOf(path);
    if (key === null || UNREACHED.test(path)) {
      throw new TypeError(`NameSpace: ${JSON.stringify(path)} is no path of a request`);
    }
    const handle: unknown = typeof object === "function" ? object : object?.handle;
    if (typeof handle !== "function") {
      throw new TypeError(`NameSpace: what is to be at ${path} is no handler`);
    }
    const wrong = typeof object === "function" ? null : wrongOf(object);
    if (wrong !== null) throw new TypeError(`NameSpace: of what is to be at ${path} ${wrong}`);
    if (this.#objects.has(key)) return false;
    this.#objects.set(key, object);
    return true;
  }

  /** What is at the path; `%XX` stands for its character. */
  get(path: string): Handler | undefined {
    const key = keyOf(path);
    return key === null ? undefined : this.#objects.get(key);
  }

  /** False if there was nothing. Requests that it answers go on; its `close` is not called. */
  delete(path: string): boolean {
    const key = keyOf(path);
    return key !== null && this.#objects.delete(key);
  }

  get size(): number {
    return this.#objects.size;
  }

  handle(
    request: MillraceRequest,
    context: Context,
  ): HandlerResult | Promise<HandlerResult> {
    const { pathname } = new URL(request.url);
    const object = this.get(pathname);
    if (object === undefined) return undefined;
    if (typeof object === "function") return object(request, context, context);
    const place = { routeName: `the object at ${pathname}` };
    if (object.match !== undefined && !isMatch(object.match(request, context), place)) {
      return undefined;
    }
    const handle: FetchHandler = (...given) => object.handle(...given);
    return handle(request, context, context);
  }

  /**
   * When the worker ends: each object that is still there is closed, also if another fails, and
   * unless a route or another name space has closed it.
   */
  async close(): Promise<void> {
    const objects = [...this.#objects.values()];
    const closed = closedBefore(this);
    this.#objects.clear();
    const ended = await Promise.allSettled(objects.map((object) => closeOnce(object, closed)));
    const failed = ended.find((each) => each.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }
}

/** Null: nothing. */
function wrongOf(object: HandlerObject): string | null {
  return wrongMatch(object) ?? wrongClose(object) ?? wrongRules(object);
}

/** Null: it has none. */
function wrongRules(object: HandlerObject): string | null {
  const [name] = Object.keys(ownRules(object) ?? {});
  return name === undefined ? null : `${name} would not count: give it to the name space itself`;
}

/** The decoded segments; an encoded slash is part of its segment. Null: it is no path. */
function keyOf(path: string): string | null {
  if (!path.startsWith("/")) return null;
  try {
    const segments = path.slice(1).split("/").map(decodeURIComponent);
    return segments.some((each) => each.includes(SEPARATOR)) ? null : segments.join(SEPARATOR);
  } catch {
    return null;
  }
}
