/** What is said of a file that could not be written. Any thread. */
import { HttpError } from "../shared/errors.ts";

/** The disk is full, or what its owner may have of it. */
const NO_ROOM = new Set(["ENOSPC", "EDQUOT"]);

/** What to throw for what a write has thrown: an HttpError with 507 where there is no room. */
export function writeFailure(cause: unknown): unknown {
  if (!NO_ROOM.has((cause as NodeJS.ErrnoException | null)?.code ?? "")) return cause;
  return new HttpError(507, "There is no room for the file", { cause });
}
