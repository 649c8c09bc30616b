/**
 * Comparison of secrets in a time that says nothing of where they differ. Any thread.
 */
import { createHash, timingSafeEqual } from "node:crypto";

/** Digests have one length, so the lengths of the texts do not show either. */
export function isSameText(one: string, other: string): boolean {
  return timingSafeEqual(digest(one), digest(other));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
