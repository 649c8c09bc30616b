/** The check of `compression`. Pure; used in the primary, before a worker exists. */
import { ENCODINGS } from "../shared/compression.ts";
import { flag, integer, members, oneOf, passes, where } from "./checks.ts";
import type { Check } from "./checks.ts";

const encoding = oneOf(ENCODINGS);
const TYPE = /^[!#$%&'+\-.^_`|~0-9a-z]+\/(?:\*|[!#$%&'*+\-.^_`|~0-9a-z]+)$/;

const object = members({
  encodings: where(
    (value) => isList(value, (each) => passes(encoding, each)),
    `a list of ${ENCODINGS.join(", ")}, each once`,
  ),
  thresholdBytes: integer(0, 2 ** 31 - 1),
  types: where(
    (value) => isList(value, (each) => typeof each === "string" && TYPE.test(each)),
    "a list of media types in lower case, such as text/html or text/*",
  ),
  gzipLevel: integer(1, 9),
  brLevel: integer(0, 11),
  zstdLevel: integer(1, 19),
});

export const compression: Check = where(
  (value) => passes(flag, value) || (!Array.isArray(value) && passes(object, value)),
  `true, false, or ${object.says}`,
);

function isList(value: unknown, test: (each: unknown) => boolean): boolean {
  if (!Array.isArray(value) || value.length === 0) return false;
  return value.every(test) && new Set(value).size === value.length;
}
