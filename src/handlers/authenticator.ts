/**
 * What an authenticator is. Types only.
 */
import type { Context, MillraceRequest } from "../shared/app.ts";

/** One way to know who asks. */
export interface Authenticator {
  /**
   * The user; null, or whatever else is not true: nobody it knows. What it throws is logged, and
   * nobody is let in by it; an HttpError is the answer, unless another one knows the user.
   */
  authenticate(request: MillraceRequest, context: Context): unknown;
  /** A value of `WWW-Authenticate` for who is not known; absent where none would help. */
  challenge?(request: MillraceRequest, context: Context): string;
}
