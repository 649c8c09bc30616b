/**
 * User and password of the Basic scheme (RFC 7617), as the client sent them. Any thread.
 */
import { quoted } from "./parameters.ts";

export interface BasicCredentials {
  readonly user: string;
  readonly password: string;
}

const BASIC = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i;

/**
 * What the `Authorization` field says; null if it is absent, of another scheme, or broken. Text is
 * UTF-8 where it is valid UTF-8, else Latin-1, which older clients send.
 */
export function basicCredentials(headers: Headers): BasicCredentials | null {
  const token = BASIC.exec(headers.get("authorization") ?? "")?.[1];
  if (token === undefined) return null;
  const bytes = Buffer.from(token, "base64");
  const text = textOf(bytes);
  const colon = text.indexOf(":");
  if (colon < 0) return null;
  return { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return bytes.toString("latin1");
  }
}

/** The value of `WWW-Authenticate` that asks for them. A TypeError for control characters. */
export function basicChallenge(realm: string): string {
  return `Basic ${quoted("realm", realm)}, charset="UTF-8"`;
}
