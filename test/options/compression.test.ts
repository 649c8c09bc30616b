/** What the option `compression` may be. */
import t from "tap";
import { passes } from "../../src/options/checks.ts";
import { compression } from "../../src/options/compression.ts";

t.test("on, off, or how", async (t) => {
  const good = [
    true, false, {}, { encodings: ["gzip"] }, { encodings: ["br", "gzip"], thresholdBytes: 0 },
    { types: ["text/html", "application/*"] }, { gzipLevel: 9, brLevel: 0, zstdLevel: 19 },
  ];
  for (const value of good) t.ok(passes(compression, value), JSON.stringify(value));
  const bad = [
    null, "gzip", 1, [], { encoding: ["gzip"] }, { encodings: [] }, { encodings: ["deflate"] },
    { encodings: ["gzip", "gzip"] }, { thresholdBytes: -1 }, { types: ["html"] },
    { types: ["Text/HTML"] }, { types: ["*/*"] }, { gzipLevel: 0 }, { brLevel: 12 },
  ];
  for (const value of bad) t.notOk(passes(compression, value), JSON.stringify(value));
});
