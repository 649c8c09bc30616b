/**
 * One session as one request sees it: what it holds, and what becomes of its cookie. Its id is
 * random, made here and never taken from a client; a login always makes another, so an id that
 * somebody has planted before is worth nothing after it. The store knows ids by digest alone: what
 * it keeps opens no session, and no comparison of it tells anything of an id. Any thread.
 */
import { createHash, randomBytes } from "node:crypto";
import type {
  Context, CookieMap, CookieOptions, FetchHandler, Handler, HandlerObject, MillraceRequest,
  ReadRecord, ServerControl,
} from "../shared/app.ts";
import { HttpError } from "../shared/errors.ts";
import type { SessionTable } from "./session-store.ts";

/** What all sessions of an app have in common. */
export interface SessionRules {
  readonly cookieName: string;
  readonly cookie: CookieOptions;
  readonly idleMs: number;
  readonly lifetimeMs: number;
  readonly dataBytesMax: number;
}

/** As `sessions()` makes it, once for an app. */
export interface Sessions {
  /** The session of the request, read once for each. */
  of(request: MillraceRequest, context: Context): Promise<Session>;
  /**
   * A handler behind which the session is saved, so that its cookie goes out with the answer.
   * Without one it goes on with the next matching handler.
   */
  saved(handler?: FetchHandler): FetchHandler;
  saved(handler: HandlerObject): HandlerObject;
  saved(handler: Handler): Handler;
  /** Ends all sessions of a user, on all workers at once. Resolves to how many. */
  endAll(owner: string, server: ServerControl): Promise<number>;
}

const ID_BYTES = 32;
/** In base64url. */
export const ID_LENGTH = 43;
const ID = /^[A-Za-z0-9_-]{43}$/;
/** So many others may write the same session between reading and writing it. */
const ATTEMPTS_MAX = 16;
const FULL_RETRY_SECONDS = "60";

interface Content {
  readonly user: unknown;
  readonly data: Record<string, unknown>;
}

const EMPTY: Content = { user: null, data: {} };

export class Session {
  readonly #table: SessionTable;
  readonly #rules: SessionRules;
  readonly #cookies: CookieMap;
  /** Null: there is none in the store. */
  #key: string | null = null;
  #record: ReadRecord | null = null;
  #content: Content = EMPTY;
  /** What was set since it was read; `undefined`: deleted. */
  readonly #changes = new Map<string, unknown>();

  private constructor(table: SessionTable, rules: SessionRules, cookies: CookieMap) {
    this.#table = table;
    this.#rules = rules;
    this.#cookies = cookies;
  }

  /** That of the request's cookie; one that nobody knows is a new one, under an id of its own. */
  static async open(
    table: SessionTable,
    rules: SessionRules,
    cookies: CookieMap,
  ): Promise<Session> {
    const session = new Session(table, rules, cookies);
    const id = cookies.get(rules.cookieName);
    if (id === null || !ID.test(id)) return session;
    const key = keyOf(id);
    session.#load(key, await table.read(key, rules.idleMs));
    return session;
  }

  /** Whom `login` was told; null: nobody has logged in. */
  get user(): unknown {
    return this.#content.user;
  }

  /** The store has none; `save` makes one if something was set. */
  get isNew(): boolean {
    return this.#key === null;
  }

  get(name: string): unknown {
    if (this.#changes.has(name)) return this.#changes.get(name);
    const { data } = this.#content;
    return Object.hasOwn(data, name) ? data[name] : undefined; // names may come from a client
  }

  /** A value as JSON has it. `undefined` deletes. */
  set(name: string, value: unknown): void {
    this.#changes.set(name, value);
  }

  delete(name: string): void {
    this.#changes.set(name, undefined);
  }

  /**
   * Writes what was set. Of requests at once the last one counts, for each name by itself. Nothing
   * is written to a session that has ended meanwhile. Rejects with an HttpError 503 if the store is
   * full, and with a RangeError if the session holds more than `dataBytesMax`.
   */
  async save(): Promise<void> {
    if (this.#changes.size === 0) return;
    if (this.#key === null) {
      await this.#create(null, "", undefined);
      return;
    }
    const key = this.#key;
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      if (this.#record === null) {
        this.#end(); // it has ended: by a logout, a login or its time
        return;
      }
      const { owner, version } = this.#record;
      const next = this.#changed(this.#content.user);
      const value = this.#encoded(next);
      const { idleMs, lifetimeMs } = this.#rules;
      const result = await this.#table.write({ key, value, owner, idleMs, lifetimeMs, version });
      if (result === "full") throw full();
      if (result === "written") {
        this.#settle({ value, owner, version: version + 1 }, next);
        return;
      }
      this.#load(key, await this.#table.read(key, idleMs));
    }
    throw new HttpError(503, "the session is written to by too many requests at once");
  }

  /**
   * From now on the session is that of the user: under a new id, whatever it was before, with what
   * it held, unless that was another user's. `owner` names the user among all; `user` is a value as
   * JSON has it.
   */
  async login(owner: string, user: unknown): Promise<void> {
    if (typeof owner !== "string" || owner === "") {
      throw new TypeError("Session.login: the owner is the name of a user");
    }
    const before = this.#record?.owner ?? "";
    if (before !== "" && before !== owner) this.#content = { user: null, data: {} };
    await this.#create(user, owner, this.#key ?? undefined);
  }

  /** Ends it, for all who know its id, and its cookie. */
  async logout(): Promise<void> {
    const key = this.#key;
    this.#end();
    this.#cookies.delete(this.#rules.cookieName, this.#rules.cookie);
    if (key !== null) await this.#table.delete(key);
  }

  /** Ends the user's other sessions, such as when a password has changed. Resolves to how many. */
  async logoutOthers(): Promise<number> {
    if (this.#record === null || this.#record.owner === "") return 0;
    return await this.#table.deleteOwned(this.#record.owner, this.#key!);
  }

  async #create(user: unknown, owner: string, replacesKey: string | undefined): Promise<void> {
    const id = randomBytes(ID_BYTES).toString("base64url");
    const key = keyOf(id);
    const next = this.#changed(user);
    const value = this.#encoded(next);
    const { idleMs, lifetimeMs, cookieName, cookie } = this.#rules;
    const result = await this.#table.write({
      key, value, owner, idleMs, lifetimeMs, version: 0,
      ...(replacesKey !== undefined && { replacesKey }),
    });
    if (result !== "written") throw full();
    this.#key = key;
    this.#settle({ value, owner, version: 1 }, next);
    this.#cookies.set(cookieName, id, cookie);
  }

  #changed(user: unknown): Content {
    const data = { ...this.#content.data };
    for (const [name, value] of this.#changes) {
      if (value === undefined) delete data[name];
      else Object.defineProperty(data, name, { value, enumerable: true, configurable: true });
    }
    return { user, data };
  }

  #encoded(content: Content): string {
    const text = JSON.stringify(content);
    const { dataBytesMax } = this.#rules;
    const bytes = Buffer.byteLength(text);
    if (bytes <= dataBytesMax) return text;
    throw new RangeError(`The session holds ${bytes} bytes, more than ${dataBytesMax}`);
  }

  #load(key: string, record: ReadRecord | null): void {
    this.#record = record;
    if (record === null) return;
    this.#key = key;
    this.#content = JSON.parse(record.value) as Content;
  }

  #settle(record: ReadRecord, content: Content): void {
    this.#record = record;
    this.#content = content;
    this.#changes.clear();
  }

  #end(): void {
    this.#key = null;
    this.#record = null;
    this.#content = EMPTY;
    this.#changes.clear();
  }
}

function keyOf(id: string): string {
  return createHash("sha256").update(id).digest("base64url");
}

function full(): HttpError {
  return new HttpError(503, "there is no place for another session", {
    headers: { "retry-after": FULL_RETRY_SECONDS },
  });
}
