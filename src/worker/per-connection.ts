/**
 * A handler object of its own for each connection, made when the first request of the connection
 * reaches the route and closed with the connection. Thread: the engine's.
 */
import type {
  ConnectionInfo, Context, HandlerFactory, HandlerObject, HandlerResult, MillraceRequest,
} from "../shared/app.ts";
import { MillraceError } from "../shared/errors.ts";
import { ownRules } from "./body-rules.ts";
import { wrongClose } from "./compiled-route.ts";

/** `handle` or `match` beside it would never be asked: what has one is no factory. */
export function isFactory(value: unknown): value is HandlerFactory {
  return (
    typeof value === "object" && value !== null && "perConnection" in value &&
    typeof value.perConnection === "function" && !("handle" in value) && !("match" in value)
  );
}

export class PerConnection implements HandlerObject {
  readonly #factory: HandlerFactory;
  /** Whoever drops a connection drops its instance. */
  readonly #instances = new WeakMap<ConnectionInfo, HandlerObject>();
  readonly bodyBytesMax?: number;
  readonly bodyStreamBytesMax?: number;
  readonly decodeBodies?: boolean;
  readonly buffered?: boolean;
  readonly handlerTimeoutMs?: number;
  readonly bodyTimeoutMs?: number;
  readonly writeTimeoutMs?: number;

  constructor(factory: HandlerFactory) {
    this.#factory = factory;
    Object.assign(this, ownRules(factory));
  }

  match(request: MillraceRequest, context: Context): boolean {
    const instance = this.#instanceOf(context);
    return instance.match === undefined || instance.match(request, context);
  }

  handle(
    request: MillraceRequest,
    context: Context,
  ): HandlerResult | Promise<HandlerResult> {
    return this.#instanceOf(context).handle(request, context, context);
  }

  /** Of the factory itself, once per worker. */
  close(): void | Promise<void> {
    return this.#factory.close?.();
  }

  #instanceOf(context: Context): HandlerObject {
    const { connection } = context;
    const known = this.#instances.get(connection);
    if (known !== undefined) return known;
    const made: unknown = this.#factory.perConnection(connection);
    if (typeof (made as HandlerObject | null)?.handle !== "function") {
      throw new MillraceError(
        "ERR_MILLRACE_HANDLER_INVALID",
        "perConnection returned no object with a function `handle`",
      );
    }
    const instance = made as HandlerObject;
    const wrong = wrongClose(instance);
    if (wrong !== null) {
      const message = `of the object that perConnection returned ${wrong}`;
      throw new MillraceError("ERR_MILLRACE_HANDLER_INVALID", message);
    }
    this.#instances.set(connection, instance);
    // From here on the connection stays with this thread. If it has gone it is closed at once.
    const close = (): unknown => instance.close?.();
    connection.onClose(close, this);
    return instance;
  }
}
