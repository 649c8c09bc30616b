/**
 * Users of an LDAP directory: a search finds the record of the user's name, and binding as that
 * record proves the password. Loads the package `ldapts`, which the app installs. Any thread.
 */
import { isIP } from "node:net";
import type { ConnectionOptions } from "node:tls";
import {
  Client, type Entry, EqualityFilter, InvalidCredentialsError, SizeLimitExceededError,
} from "ldapts";
import type { Lookup } from "./basic-authentication.ts";
import {
  checkFlags, checkKnown, checkStrings, checkWhole, DELAY_MS_MAX, wrongOption,
} from "../shared/option-checks.ts";
import { startTls } from "./start-tls.ts";

export interface LdapOptions {
  /** `ldap://host:port` or `ldaps://host:port`. */
  readonly url: string;
  /** Below which records are looked for. */
  readonly base: string;
  /** The attribute that has the user's name. Default "uid". */
  readonly attribute?: string;
  /** Who searches; without it the search is anonymous. */
  readonly bind?: { readonly dn: string; readonly password: string };
  /** What is read of the record. Default: all that the directory shows. */
  readonly attributes?: readonly string[];
  /** Milliseconds for each step, at least 1. Default 5,000. */
  readonly timeoutMs?: number;
  /** Of the handshake. */
  readonly tls?: ConnectionOptions;
  /**
   * The connection is made secure before anything is said on it, on `ldap://`. The certificate is
   * to be for the host of `url`, or for `servername` of `tls`. Default false.
   */
  readonly startTls?: boolean;
}

const NAMES: readonly (keyof LdapOptions)[] = [
  "url", "base", "attribute", "bind", "attributes", "timeoutMs", "tls", "startTls",
];
const ATTRIBUTE = "uid";
/** The name of an attribute, or its number, and options (RFC 4512 2.5). */
const DESCRIPTION = /^(?:[a-z][a-z\d-]*|\d+(?:\.\d+)+)(?:;[a-z\d-]+)*$/i;
/** More are not read: two are one too many already. */
const RECORDS_MAX = 2;
const TIMEOUT_MS = 5_000;
/** Of `ldap://`. */
const PORT = 389;

/**
 * A lookup for `basic()` that resolves to the record (`dn` and its attributes), or to null if there
 * is none, several, or the password is wrong. Rejects if the directory cannot be asked. Throws a
 * TypeError for options that are none.
 */
export function ldap(options: LdapOptions): Lookup {
  check(options);
  const { attribute = ATTRIBUTE } = options;
  return async (user, password): Promise<Entry | null> => {
    // An empty password binds as nobody (RFC 4513 5.1.2), which most directories let succeed.
    if (user === "" || password === "") return null;
    // The value goes over the wire as it is: nothing in it can be part of a filter.
    const filter = new EqualityFilter({ attribute, value: user });
    const record = await asked(options, (client) => onlyRecord(client, options, filter));
    if (record === null) return null;
    return (await isPassword(options, record.dn, password)) ? record : null;
  };
}

function check(options: LdapOptions): void {
  checkKnown("ldap", options, NAMES);
  checkStrings("ldap", options, ["url", "base", "attribute"]);
  checkFlags("ldap", options, ["startTls"]);
  const { attribute = ATTRIBUTE, url, base, bind, attributes, tls } = options;
  const { timeoutMs = TIMEOUT_MS } = options;
  checkWhole("ldap", "timeoutMs", timeoutMs, 1, DELAY_MS_MAX);
  if (base === undefined) throw wrongOption("ldap: base is a string");
  if (!/^ldaps?:\/\/./.test(url) || !URL.canParse(url)) {
    throw wrongOption(`ldap: "${url}" is no URL of a directory`);
  }
  if (options.startTls === true && !url.startsWith("ldap:")) {
    throw wrongOption("ldap: startTls is for ldap://, since ldaps:// is secure from the start");
  }
  if (!DESCRIPTION.test(attribute)) throw wrongOption(`ldap: "${attribute}" is no attribute`);
  const isList = Array.isArray(attributes) && attributes.every((each) => typeof each === "string");
  if (attributes !== undefined && !isList) throw wrongOption("ldap: attributes is a list of names");
  if (tls !== undefined && (typeof tls !== "object" || tls === null)) {
    throw wrongOption("ldap: tls is an object");
  }
  if (bind === undefined) return;
  checkKnown("ldap: bind", bind, ["dn", "password"]);
  // With an empty one the search would be anonymous (RFC 4513 5.1.2).
  if ([bind.dn, bind.password].some((each) => typeof each !== "string" || each === "")) {
    throw wrongOption("ldap: bind has a dn and a password, and neither is empty");
  }
}

async function onlyRecord(
  client: Client,
  { base, bind, attributes }: LdapOptions,
  filter: EqualityFilter,
): Promise<Entry | null> {
  if (bind !== undefined) await client.bind(bind.dn, bind.password);
  try {
    const { searchEntries } = await client.search(base, {
      scope: "sub",
      filter,
      sizeLimit: RECORDS_MAX,
      ...(attributes !== undefined && { attributes: [...attributes] }),
    });
    return searchEntries.length === 1 ? searchEntries[0]! : null;
  } catch (error) {
    if (error instanceof SizeLimitExceededError) return null; // several
    throw error;
  }
}

async function isPassword(options: LdapOptions, dn: string, password: string): Promise<boolean> {
  try {
    await asked(options, (client) => client.bind(dn, password));
    return true;
  } catch (error) {
    if (error instanceof InvalidCredentialsError) return false;
    throw error;
  }
}

/** On a connection of its own: a bind is a state of the whole connection. */
async function asked<T>(options: LdapOptions, ask: (client: Client) => Promise<T>): Promise<T> {
  const { url, timeoutMs = TIMEOUT_MS } = options;
  const tls = options.startTls === true ? await secured(options) : options.tls;
  const client = new Client({
    url,
    timeout: timeoutMs,
    connectTimeout: timeoutMs,
    // With them the client begins with a handshake, whatever the URL says.
    ...(tls !== undefined && { tlsOptions: tls }),
  });
  try {
    return await ask(client);
  } finally {
    await client.unbind().catch(() => {});
    if (options.startTls === true) tls?.socket?.destroy();
  }
}

/** With a connection that waits for the handshake, and the name that its certificate is to have. */
async function secured(options: LdapOptions): Promise<ConnectionOptions> {
  const { hostname, port } = new URL(options.url);
  const host = hostname.replace(/^\[|\]$/g, ""); // of an address of IPv6
  const { timeoutMs = TIMEOUT_MS } = options;
  const socket = await startTls(host, port === "" ? PORT : Number(port), timeoutMs);
  // An address is no name that could be asked for (RFC 6066 3).
  return { host, ...(isIP(host) === 0 && { servername: host }), ...options.tls, socket };
}
