/** Tests of the options of `files`; how they are told is tested with `files`. */
import t from "tap";
import { checkFiles, type FilesOptions } from "../../src/handlers/file-options.ts";

t.test("every option has values that are taken", (t) => {
  const right: FilesOptions[] = [
    {}, { index: [] }, { listing: true, dotFiles: false, write: true }, { types: { md: "text/x" } },
    { cacheControl: "no-cache" }, { cacheControl: { html: "no-cache", "*": "max-age=9" } },
    { cacheControl: { html: undefined, "*": "max-age=9" } as never },
    { cacheControl: (path) => path }, { precompressed: true }, { precompressed: ["zstd"] },
    { revalidateMs: 0.5, keptMax: 8, inMemoryBytesMax: 0, writeBytesMax: 2 ** 40 },
  ];
  for (const options of right) t.doesNotThrow(() => checkFiles(options), JSON.stringify(options));
  t.throws(() => checkFiles({ keptMax: 7 }), TypeError);
  t.throws(() => checkFiles({ indexes: [] } as FilesOptions), TypeError);
  t.end();
});
