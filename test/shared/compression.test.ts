/** The names of codings are those of the registry, which clients use. */
import t from "tap";
import { ENCODINGS } from "../../src/shared/compression.ts";

t.test("each coding once", async (t) => {
  t.strictSame([...ENCODINGS].sort(), ["br", "gzip", "zstd"]);
});
