/**
 * Who asks, and whether they may: authenticators are asked for each request, whoever is found is
 * `request.user`, and roles decide. Around a handler, or before those that come behind it.
 * Any thread.
 */
import type {
  Context, FetchHandler, Handler, HandlerObject, MillraceRequest,
} from "../shared/app.ts";
import { HttpError, MillraceError } from "../shared/errors.ts";
import { aroundObject } from "../worker/wrapped-handler.ts";
import type { Authenticator } from "./authenticator.ts";
import { checkFlags, checkFunctions, checkKnown, wrongOption } from "../shared/option-checks.ts";
import { isRecord } from "./record.ts";
import { checkRule, isSatisfied, type RoleRule, type RolesOf, roleSet } from "./role-rule.ts";

export { byAddress } from "./address-authentication.ts";
export type { Authenticator } from "./authenticator.ts";
export { type BasicOptions, basic, type Lookup } from "./basic-authentication.ts";
export { basicChallenge, type BasicCredentials, basicCredentials } from "./basic-credentials.ts";
export { bearer, type BearerOptions } from "./bearer-authentication.ts";
export type { RoleRule, Roles, RolesOf } from "./role-rule.ts";
export { isSameText } from "./same-text.ts";

/** Why somebody was not let in. */
export type Refusal = "unknown" | "role";

type Ended = (user: unknown, request: MillraceRequest) => void | Promise<void>;

export interface AuthenticationOptions {
  /** The first one that knows the user counts. */
  readonly by: Authenticator | readonly Authenticator[];
  /** What the user must be. Default: known. */
  readonly roles?: RoleRule;
  /** Several, or a string, which is one. Default: the array `roles` of the user, if it has one. */
  readonly rolesOf?: RolesOf;
  /** Who is not known goes on without a user, if `roles` asks for none. Default false. */
  readonly optional?: boolean;
  /** An answer in the place of 401 or 403; `undefined`: those. */
  readonly refused?: (
    why: Refusal,
    request: MillraceRequest,
    context: Context,
  ) => Response | undefined | Promise<Response | undefined>;
  /**
   * When the handler has answered or failed, also for who was not let in: user null. It is not
   * waited for. What it throws, or rejects with, is logged and changes nothing.
   */
  readonly ended?: Ended;
}

const NAMES: readonly (keyof AuthenticationOptions)[] = [
  "by", "roles", "rolesOf", "optional", "refused", "ended",
];

/**
 * Throws a TypeError for options that are none. Who is not known gets 401 with the challenges of
 * all authenticators, or 403 if they have none; who lacks a role gets 403. An HttpError of 500 or
 * more of an authenticator is the answer, unless another one knows the user: nothing is known of
 * who asks. Without `handler` it goes on with the next matching handler.
 */
export function authenticated(
  options: AuthenticationOptions,
  handler?: FetchHandler,
): FetchHandler;
export function authenticated(
  options: AuthenticationOptions,
  handler: HandlerObject,
): HandlerObject;
export function authenticated(options: AuthenticationOptions, handler: Handler): Handler;
export function authenticated(
  options: AuthenticationOptions,
  handler?: Handler,
): Handler {
  if (handler !== undefined && typeof handler !== "function") {
    return aroundObject("authenticated", handler, (handle) => authenticated(options, handle));
  }
  const authenticators = check(options);
  const { roles, ended } = options;
  return async (request, context) => {
    let user: unknown = null;
    try {
      user = await userOf(authenticators, request, context);
      if (user === null && options.optional !== true) {
        return await refuse("unknown", options, authenticators, request, context);
      }
      if (roles !== undefined && !(await hasRoles(roles, options, user))) {
        const why = user === null ? "unknown" : "role";
        return await refuse(why, options, authenticators, request, context);
      }
      request.user = user ?? undefined;
      if (handler === undefined) return await context.next();
      return await handler(request, context, context);
    } finally {
      if (ended !== undefined) void tell(ended, user, request, context);
    }
  };
}

/** The authenticators. */
function check(options: AuthenticationOptions): readonly Authenticator[] {
  checkKnown("authenticated", options, NAMES);
  checkFunctions("authenticated", options, ["rolesOf", "refused", "ended"]);
  checkFlags("authenticated", options, ["optional"]);
  const { by, roles } = options;
  const authenticators = (Array.isArray(by) ? by : [by]) as readonly Authenticator[];
  const isWrong = authenticators.some((each) => typeof each?.authenticate !== "function");
  if (authenticators.length === 0 || isWrong) {
    throw wrongOption("authenticated: by is an authenticator or a list of some");
  }
  if (roles !== undefined) checkRule("authenticated", roles);
  return authenticators;
}

async function userOf(
  authenticators: readonly Authenticator[],
  request: MillraceRequest,
  context: Context,
): Promise<unknown> {
  const text = "an authenticator failed";
  let failure: HttpError | null = null;
  for (const authenticator of authenticators) {
    try {
      const user = await authenticator.authenticate(request, context);
      if (!isRecord(user)) continue;
      if (failure !== null) context.log.error({ err: failure }, text);
      return user;
    } catch (error) {
      const isFault = error instanceof HttpError && error.status >= 500;
      if (isFault && failure === null) failure = error;
      else context.log.error({ err: error }, text);
    }
  }
  if (failure !== null) throw failure; // whoever answers logs it
  return null;
}

/** Never rejects. */
async function tell(
  ended: Ended,
  user: unknown,
  request: MillraceRequest,
  { log }: Context,
): Promise<void> {
  const text = "`ended` of authenticated failed";
  try {
    await ended(user, request);
  } catch (error) {
    try {
      log.error({ err: error }, text);
    } catch {
      log.error(text); // it throws when it is looked at
    }
  }
}

async function hasRoles(
  rule: RoleRule,
  { rolesOf = ownRoles }: AuthenticationOptions,
  user: unknown,
): Promise<boolean> {
  const roles = user === null ? [] : await rolesOf(user);
  return isSatisfied(rule, roleSet(roles));
}

function ownRoles(user: unknown): Iterable<string> {
  const { roles } = Object(user) as { roles?: unknown };
  return Array.isArray(roles) ? (roles as string[]) : [];
}

async function refuse(
  why: Refusal,
  { refused }: AuthenticationOptions,
  authenticators: readonly Authenticator[],
  request: MillraceRequest,
  context: Context,
): Promise<Response> {
  const own = await refused?.(why, request, context);
  if (own !== undefined) return checked(own);
  const headers = new Headers();
  if (why === "unknown") {
    for (const authenticator of authenticators) {
      const challenge = authenticator.challenge?.(request, context);
      if (challenge !== undefined) headers.append("www-authenticate", challenge);
    }
  }
  // RFC 9110 15.5.2: a 401 has a challenge.
  const status = headers.has("www-authenticate") ? 401 : 403;
  const text = status === 401 ? "Authentication is needed\n" : "Not allowed\n";
  return new Response(text, { status, headers });
}

/** A text would go out as the body of a 200. */
function checked(own: unknown): Response {
  if (typeof own === "object" && own !== null) return own as Response;
  const text = "authenticated: `refused` gives a Response, or undefined";
  throw new MillraceError("ERR_MILLRACE_RESPONSE_INVALID", text);
}
