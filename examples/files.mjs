// A folder's files, with a cache for what does not change, and a file of its own.
//
//   npx millrace examples/files.mjs
//   curl -i http://127.0.0.1:3000/examples/hello.mjs
//   curl -i -H 'Range: bytes=0-9' http://127.0.0.1:3000/examples/hello.mjs
//   curl -i http://127.0.0.1:3000/examples/
//   curl -i http://127.0.0.1:3000/source

import { fileURLToPath } from "node:url";
import { file, files } from "millrace/files";

const here = fileURLToPath(new URL(".", import.meta.url));

export default {
  routes: {
    "/examples/*": files(here, { listing: true, cacheControl: { mjs: "max-age=60" } }),
    "/source": () => new Response(file(fileURLToPath(import.meta.url))),
  },
};
