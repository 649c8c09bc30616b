/**
 * Options that are a list of addresses: an array, or one text with commas or spaces between, as
 * flags and variables have it. Pure.
 */
import { isIP, isIPv4 } from "node:net";
import * as v from "valibot";
import type { Check } from "./checks.ts";

/** As `core/address-ranges.h` takes it. */
function isRange(written: string): boolean {
  if (written === "unix") return true;
  const [address = "", bits, ...rest] = written.split("/");
  // A zone, as in fe80::1%eth0, is one of this machine's, and no peer announces it.
  if (rest.length > 0 || isIP(address) === 0 || address.includes("%")) return false;
  if (bits === undefined) return true;
  return /^(?:0|[1-9]\d{0,2})$/.test(bits) && Number(bits) <= (isIPv4(address) ? 32 : 128);
}

export function addressesOf(value: string | readonly string[]): string[] {
  const list = typeof value === "string" ? value.split(/[\s,]+/) : value;
  return list.filter((each) => each !== "");
}

function isAddressList(value: unknown): boolean {
  if (typeof value === "string") return addressesOf(value).every(isRange);
  return Array.isArray(value) && value.every((each) => typeof each === "string" && isRange(each));
}

/** More proxies in a row than anybody has. */
const HOPS_MAX = 32;

function isTrust(value: unknown): boolean {
  const isCount = typeof value === "number" || (typeof value === "string" && /^\d+$/.test(value));
  if (!isCount) return isAddressList(value);
  return Number.isInteger(Number(value)) && Number(value) >= 0 && Number(value) <= HOPS_MAX;
}

/** Whom to believe of a request's way: a list of addresses, or how many proxies there are. */
export const proxyTrust: Check = {
  kind: "text",
  schema: v.custom(isTrust),
  says: `a number of proxies from 0 to ${HOPS_MAX}, or addresses, networks such as 10.0.0.0/8, ` +
    "or unix: an array, or one text with commas or spaces between",
};

export const addressList: Check = {
  kind: "text",
  schema: v.custom(isAddressList),
  says: "addresses, networks such as 10.0.0.0/8, or unix: an array, or one text with commas or " +
    "spaces between",
};
