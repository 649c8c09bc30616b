/**
 * What a request is called in the logs and between services: its id, and the trace it belongs to.
 * Nothing is read or made before somebody asks. Thread: the engine's.
 */
import { randomBytes } from "node:crypto";
import type { Log, TraceContext } from "../shared/app.ts";
import type { ListenerSite } from "./listener-sites.ts";
import { childLog } from "./log.ts";
import { traceOf } from "./trace-context.ts";

/** Long enough for ids of all kinds, short enough for a line of a log. */
const ID_LENGTH_MAX = 128;
const VISIBLE = /^[!-~]+$/;

/** What an identity reads of a request. */
export interface IdentifiedRequest {
  readonly slot: number;
  readonly generation: number;
  readonly sequence: number;
  readonly site: Pick<ListenerSite, "requestIdHeader" | "view">;
  rawHeaders(): string[];
}

/** How the requests of one engine are called. */
export class RequestNames {
  /** Unlike that of any other worker, also of one that runs later. */
  readonly prefix: string = randomBytes(8).toString("hex");

  /** The id that a trusted proxy gave, or one made of what tells the requests of a worker apart. */
  idOf(request: IdentifiedRequest): string {
    const header = request.site.requestIdHeader;
    if (header !== "") {
      const given = valueOf(request.rawHeaders(), header);
      if (given.length <= ID_LENGTH_MAX && VISIBLE.test(given)) return given;
    }
    // As Recorder::request_id has it: the access log is formatted natively.
    const numbers = [request.slot, request.generation, request.sequence];
    return `${this.prefix}-${numbers.map((each) => (each >>> 0).toString(16)).join("-")}`;
  }

  /** As Recorder::traceparent has it. */
  traceOf(request: IdentifiedRequest): TraceContext {
    const { slot, generation, sequence } = request;
    return traceOf(request.rawHeaders(), { engine: this.prefix, slot, generation, sequence });
  }
}

/** Empty if the field is not there, or more than once: then nobody knows which one is meant. */
function valueOf(rawHeaders: readonly string[], name: string): string {
  let value = "";
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const each = rawHeaders[i]!;
    if (each.length !== name.length || each.toLowerCase() !== name) continue;
    if (value !== "") return "";
    value = rawHeaders[i + 1]!;
  }
  return value;
}

export class RequestIdentity {
  readonly #names: RequestNames;
  readonly #request: IdentifiedRequest;
  readonly #parentLog: Log;
  #id: string | null = null;
  #trace: TraceContext | null = null;
  #log: Log | null = null;

  constructor(names: RequestNames, request: IdentifiedRequest, parentLog: Log) {
    this.#names = names;
    this.#request = request;
    this.#parentLog = parentLog;
  }

  get requestId(): string {
    return (this.#id ??= this.#names.idOf(this.#request));
  }

  get trace(): TraceContext {
    return (this.#trace ??= this.#names.traceOf(this.#request));
  }

  /** The worker's log; a line that is written has the listener and the ids of the access log. */
  get log(): Log {
    return (this.#log ??= childLog(this.#parentLog, () => {
      const { traceId, traceparent } = this.trace;
      const listener = this.#request.site.view.id;
      return { listener, requestId: this.requestId, traceId, traceparent };
    }));
  }
}
