/**
 * Logging in by a form: who is not known and looks at a page is sent to the login page, and from
 * there back to where they wanted to go, on this site alone. Any thread.
 */
import type {
  Context, FetchHandler, Handler, HandlerObject, MillraceRequest, Route,
} from "../shared/app.ts";
import { HttpError } from "../shared/errors.ts";
import { redirect } from "../shared/redirect.ts";
import { aroundObject } from "../worker/wrapped-handler.ts";
import { authenticated } from "./authentication.ts";
import type { Authenticator } from "./authenticator.ts";
import type { Lookup } from "./basic-authentication.ts";
import { loginPage, type LoginPage } from "./login-page.ts";
import { checkFunctions, checkKnown, wrongOption } from "../shared/option-checks.ts";
import { quoted } from "./parameters.ts";
import { isRecord, theRecord } from "./record.ts";
import type { RoleRule, RolesOf } from "./role-rule.ts";
import { isForged, pathOnSite } from "./same-origin.ts";
import type { Sessions } from "./session.ts";

export type { LoginPage } from "./login-page.ts";

export interface FormLoginOptions {
  readonly sessions: Sessions;
  /** As of `basic`: exactly one record lets in, such as that of `passwordFile`. */
  readonly lookup: Lookup;
  /** Default "/login". */
  readonly loginPath?: string;
  /** Default "/logout". */
  readonly logoutPath?: string;
  /** Where who came from nowhere goes, and who has logged out. Default "/". */
  readonly home?: string;
  /**
   * What the session holds of a record, as `request.user`: JSON, or a promise of it. Null, or
   * whatever else is not true: nobody, who is not logged in. Default: the record.
   */
  readonly userOf?: (record: unknown) => unknown;
  /**
   * Who the record is, among all: the owner of the session. Default: the name as it was typed, so
   * give one where a lookup takes several spellings of a name, as directories do.
   */
  readonly ownerOf?: (record: unknown, user: string) => string | Promise<string>;
  /** Default: a plain page. */
  readonly page?: (page: LoginPage) => Response | Promise<Response>;
}

export interface GuardOptions {
  readonly roles?: RoleRule;
  readonly rolesOf?: RolesOf;
}

export interface FormLogin {
  /** For `authenticated`: the user of the session. */
  readonly authenticator: Authenticator;
  /** The login page, what its form is sent to, and POST of the logout: for the app's `routes`. */
  readonly routes: Record<string, Route>;
  /**
   * Lets in who has logged in. Others are sent to the login page, or get 401 if they ask for no
   * HTML; what another site has had a browser send gets 403. Throws a TypeError for options that
   * are none.
   */
  guard(options: GuardOptions, handler?: FetchHandler): FetchHandler;
  guard(options: GuardOptions, handler: HandlerObject): HandlerObject;
  guard(options: GuardOptions, handler: Handler): Handler;
}

const NAMES: readonly (keyof FormLoginOptions)[] = [
  "sessions", "lookup", "loginPath", "logoutPath", "home", "userOf", "ownerOf", "page",
];
/** The paths are patterns of routes. */
const NOT_EXACT = /[?#*]|\/:/;
const FORM_BYTES_MAX = 8192;
const FORM_TYPE = /^application\/x-www-form-urlencoded(?:$|[\s;])/i;

/** Throws a TypeError for options that are none. */
export function formLogin(options: FormLoginOptions): FormLogin {
  const { loginPath, logoutPath, home } = pathsOf(options);
  const { sessions, page = loginPage } = options;
  const { userOf = (record) => record, ownerOf = (_record, user) => user } = options;
  const challenge = `Form ${quoted("location", loginPath)}`;
  const authenticator: Authenticator = {
    authenticate: async (request, context) => (await sessions.of(request, context)).user,
    challenge: () => challenge,
  };
  const show = (request: MillraceRequest): Response | Promise<Response> => {
    const to = pathOnSite(new URL(request.url).searchParams.get("to"));
    return page({ action: loginPath, to: to ?? home, hasFailed: false, user: "" });
  };
  const check = async (request: MillraceRequest, context: Context): Promise<Response> => {
    const form = await formOf(request);
    const to = pathOnSite(form.get("to")) ?? home;
    const user = form.get("user") ?? "";
    const record = await recordOf(options.lookup, user, form.get("password") ?? "", context);
    const kept = record === null ? null : await userOf(record);
    if (!isRecord(kept)) {
      const answer = await page({ action: loginPath, to, hasFailed: true, user });
      const headers = new Headers(answer.headers);
      headers.set("www-authenticate", challenge);
      return new Response(answer.body, { status: 401, headers });
    }
    const session = await sessions.of(request, context);
    await session.login(await ownerOf(record, user), kept);
    return seeOther(to);
  };
  const end = async (request: MillraceRequest, context: Context): Promise<Response> => {
    if (isForged(request)) throw new HttpError(403, "this comes from another site");
    await (await sessions.of(request, context)).logout();
    return seeOther(home);
  };
  const refused = (why: string, request: MillraceRequest): Response | undefined => {
    const isPage = (request.headers.get("accept") ?? "").includes("text/html");
    if (why !== "unknown" || !isPage) return undefined;
    return seeOther(`${loginPath}?to=${encodeURIComponent(backTo(request) ?? home)}`);
  };
  const guarded = (rules: GuardOptions, handler?: FetchHandler): FetchHandler => {
    checkKnown("guard", rules, ["roles", "rolesOf"]);
    const inner = authenticated({ by: authenticator, ...rules, refused }, handler);
    return async (request, context) => {
      if (isForged(request)) throw new HttpError(403, "this comes from another site");
      await sessions.of(request, context); // a store that fails is no reason to log in: 503
      return await inner(request, context, context);
    };
  };
  function guard(rules: GuardOptions, handler?: FetchHandler): FetchHandler;
  function guard(rules: GuardOptions, handler: HandlerObject): HandlerObject;
  function guard(rules: GuardOptions, handler: Handler): Handler;
  function guard(rules: GuardOptions, handler?: Handler): Handler {
    if (handler === undefined || typeof handler === "function") return guarded(rules, handler);
    return aroundObject("guard", handler, (handle) => guarded(rules, handle));
  }
  return {
    authenticator,
    routes: {
      [loginPath]: { GET: show, POST: { handle: check, bodyBytesMax: FORM_BYTES_MAX } },
      [logoutPath]: { POST: end },
    },
    guard,
  };
}

/** Once all options have been checked. */
function pathsOf(options: FormLoginOptions): Record<"loginPath" | "logoutPath" | "home", string> {
  checkKnown("formLogin", options, NAMES);
  const { sessions, lookup, loginPath = "/login", logoutPath = "/logout", home = "/" } = options;
  if (typeof sessions?.of !== "function") {
    throw wrongOption("formLogin: sessions is what sessions() gives");
  }
  if (typeof lookup !== "function") throw wrongOption("formLogin: lookup is a function");
  checkFunctions("formLogin", options, ["userOf", "ownerOf", "page"]);
  const paths = { loginPath, logoutPath, home };
  for (const [name, path] of Object.entries(paths)) {
    if (typeof path !== "string" || pathOnSite(path) !== path) {
      throw wrongOption(`formLogin: ${name} is a path`);
    }
    if (name !== "home" && NOT_EXACT.test(path)) {
      throw wrongOption(`formLogin: ${name} is one path, without a query and parameters`);
    }
  }
  if (loginPath === logoutPath) throw wrongOption("formLogin: loginPath and logoutPath differ");
  return paths;
}

/** Where who logs in goes on; what was sent to a page cannot be sent again. */
function backTo({ method, url }: MillraceRequest): string | null {
  if (method !== "GET" && method !== "HEAD") return null;
  const { pathname, search } = new URL(url);
  return pathOnSite(`${pathname}${search}`);
}

async function formOf(request: MillraceRequest): Promise<URLSearchParams> {
  if (isForged(request)) throw new HttpError(403, "this comes from another site");
  if (!FORM_TYPE.test(request.headers.get("content-type") ?? "")) {
    throw new HttpError(415, "a login is a form");
  }
  return new URLSearchParams(await request.text());
}

/** Exactly one record; null: none, several, or the lookup has failed. */
async function recordOf(
  lookup: Lookup,
  user: string,
  password: string,
  context: Context,
): Promise<unknown> {
  if (user === "") return null;
  try {
    return theRecord(await lookup(user, password));
  } catch (error) {
    context.log.error({ err: error }, "the lookup of a login failed");
    return null;
  }
}

function seeOther(location: string): Response {
  const response = redirect(location, 303);
  response.headers.set("cache-control", "no-store");
  return response;
}
