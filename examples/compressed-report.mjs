// Answers that are compressed, with trailers and an early hint.
//
//   npx millrace examples/compressed-report.mjs --config examples/compressed-report.config.json
//   curl --compressed -i http://127.0.0.1:3000/report
//   curl -i http://127.0.0.1:3000/report

import { createHash } from "node:crypto";

const ROWS = Number(process.env.ROWS ?? 10_000);

function* rows() {
  yield "row,square\n";
  for (let row = 1; row <= ROWS; row++) yield `${row},${row * row}\n`;
}

export default {
  routes: {
    "/": (request, context) => {
      context.informational(103, { link: "</report>; rel=prefetch" });
      return new Response("<!doctype html><a href=/report>the report</a>\n", {
        headers: { "content-type": "text/html; charset=utf-8" },
      });
    },
    // The sum is known only at the end, so it is a trailer.
    "/report": (request, context) => {
      const hash = createHash("sha256");
      async function* report() {
        for (const row of rows()) {
          hash.update(row);
          yield row;
        }
        context.addTrailers({ "x-sha256": hash.digest("hex") });
      }
      return new Response(report(), {
        headers: { "content-type": "text/csv; charset=utf-8", trailer: "X-Sha256" },
      });
    },
  },
};
