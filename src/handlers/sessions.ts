/**
 * Sessions: what a server remembers of a client between requests, found by a cookie, known to all
 * workers and ended by any of them. And logging in by a form, on top of them. Any thread.
 */
import type {
  Context, CookieOptions, FetchHandler, Handler, HandlerObject, MillraceRequest, ServerControl,
} from "../shared/app.ts";
import { setCookieText } from "../shared/set-cookie.ts";
import { isToken } from "../shared/token.ts";
import { aroundObject } from "../worker/wrapped-handler.ts";
import { checkKnown, checkStrings, checkWhole, wrongOption } from "../shared/option-checks.ts";
import { ID_LENGTH, Session, type SessionRules, type Sessions } from "./session.ts";
import { memorySessions, type SessionStore, type SessionTable } from "./session-store.ts";
import { answerWith } from "./wrapping.ts";

export {
  formLogin, type FormLogin, type FormLoginOptions, type GuardOptions, type LoginPage,
} from "./form-login.ts";
export type { Session, Sessions } from "./session.ts";
export {
  memorySessions, type MemorySessionsOptions, type SessionStore, type SessionTable,
  type SessionWrite,
} from "./session-store.ts";

export interface SessionsOptions {
  /** Default `memorySessions()`. */
  readonly store?: SessionStore;
  /** Default "__Host-session", or "session" if the cookie may not be called so. */
  readonly cookieName?: string;
  /** Default: as `setCookie` has it, which no other site can have sent by a form. */
  readonly cookie?: CookieOptions;
  /** Milliseconds without a request after which a session ends. Default 30 minutes. */
  readonly idleMs?: number;
  /** Milliseconds after which it ends however much it is used. Default 12 hours. */
  readonly lifetimeMs?: number;
  /** Of one session, user included, as JSON in UTF-8. Default 4,096. */
  readonly dataBytesMax?: number;
}

const NAMES: readonly (keyof SessionsOptions)[] = [
  "store", "cookieName", "cookie", "idleMs", "lifetimeMs", "dataBytesMax",
];
const COOKIE_NAMES: readonly (keyof CookieOptions)[] = [
  "path", "domain", "secure", "httpOnly", "sameSite", "maxAge", "expires", "partitioned",
];
const IDLE_MS = 30 * 60_000;
const LIFETIME_MS = 12 * 3_600_000;
const DATA_BYTES_MAX = 4096;

/** Throws a TypeError for options that are none. */
export function sessions(options: SessionsOptions = {}): Sessions {
  checkKnown("sessions", options, NAMES);
  const { store = memorySessions() } = options;
  if (typeof store?.open !== "function") throw wrongOption("sessions: store has no open()");
  const rules = rulesOf(options);
  const tables = new WeakMap<ServerControl, SessionTable>();
  // By context: a route behind another may be given another Request.
  const open = new WeakMap<Context, Promise<Session>>();
  const tableOf = (server: ServerControl): SessionTable => {
    let table = tables.get(server);
    if (table === undefined) tables.set(server, (table = store.open(server)));
    return table;
  };
  const of = (request: MillraceRequest, context: Context): Promise<Session> => {
    let session = open.get(context);
    if (session === undefined) {
      session = Session.open(tableOf(context.server), rules, request.cookies);
      open.set(context, session);
    }
    return session;
  };
  const behind = (handler?: FetchHandler): FetchHandler => (
    async (request, context) => {
      const session = await of(request, context);
      // Also of one that writes it, the head is not sent before the cookie is known.
      const answer = await answerWith(handler, request, context, () => {});
      try {
        await session.save();
      } catch (error) {
        answer?.body?.cancel().catch(() => {}); // its producer's affair
        throw error;
      }
      return answer;
    }
  );
  function saved(handler?: FetchHandler): FetchHandler;
  function saved(handler: HandlerObject): HandlerObject;
  function saved(handler: Handler): Handler;
  function saved(handler?: Handler): Handler {
    if (handler === undefined || typeof handler === "function") return behind(handler);
    return aroundObject("saved", handler, behind);
  }
  return {
    of,
    saved,
    endAll: (owner, server) => tableOf(server).deleteOwned(owner),
  };
}

function rulesOf(options: SessionsOptions): SessionRules {
  const { cookie = {}, idleMs = IDLE_MS, lifetimeMs = LIFETIME_MS } = options;
  const { dataBytesMax = DATA_BYTES_MAX } = options;
  checkKnown("sessions: cookie", cookie, COOKIE_NAMES);
  checkStrings("sessions", options, ["cookieName"]);
  for (const [name, value] of Object.entries({ idleMs, lifetimeMs, dataBytesMax })) {
    checkWhole("sessions", name, value, 1);
  }
  const { secure = true, path = "/", domain } = cookie;
  const isHost = secure && path === "/" && domain === undefined;
  const { cookieName = isHost ? "__Host-session" : "session" } = options;
  if (!isToken(cookieName)) throw wrongOption(`sessions: "${cookieName}" is no name of a cookie`);
  checkCookie(cookieName, cookie);
  return { cookieName, cookie, idleMs, lifetimeMs, dataBytesMax };
}

/** No browser would keep it, and each login would fail. */
function checkCookie(name: string, cookie: CookieOptions): void {
  try {
    setCookieText(name, "A".repeat(ID_LENGTH), cookie);
  } catch (cause) {
    throw wrongOption(`sessions: ${(cause as Error).message}`, { cause });
  }
}
