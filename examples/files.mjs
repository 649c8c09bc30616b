// A folder's files, with a cache for what does not change, and a file of its own.
//
//   npx millrace serve examples/files.mjs
//   curl -i http://localhost:3000/examples/hello.mjs
//   curl -H "Range: bytes=0-9" http://localhost:3000/examples/hello.mjs
import { fileURLToPath } from "node:url";
import { file, files } from "millrace/files";

const here = fileURLToPath(new URL(".", import.meta.url));

export default {
  routes: {
    "/examples/*": files(here, { listing: true, cacheControl: { mjs: "max-age=60" } }),
    "/source": () => new Response(file(fileURLToPath(import.meta.url))),
  },
};
