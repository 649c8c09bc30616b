// A handler that decides, declines and writes its answer in steps: status, headers, body, end.
//
//   npx millrace examples/low-level.mjs
//   curl -i http://127.0.0.1:3000/mill/flour
//   curl -i http://127.0.0.1:3000/mill/gold
//   curl -i http://127.0.0.1:3000/mill/old
//   curl -i http://127.0.0.1:3000/mill/raw

import { setCacheControl, setEntityTag } from "millrace/fields";

const STOCK = { flour: 12, bran: 3 };

const mill = {
  /** The last step of the choice: false goes on with the next route. */
  match(request) {
    return request.params.what !== "nothing";
  },

  async handle(request, context) {
    const { what } = request.params;
    if (what === "raw") {
      await raw(context.reply().raw());
      return;
    }
    const reply = context.reply();
    if (what === "old") {
      reply.redirect("/mill/flour", 301);
      return;
    }
    setCacheControl(reply.headers, { maxAge: 60 });
    setEntityTag(reply.headers, `stock-${what}`, true);
    reply.status(200).header("Content-Type", "text/html; charset=utf-8");
    await reply.write("<h1>The mill</h1>\n");
    // The page has begun, and none of it has been sent: the error takes its place.
    if (!Object.hasOwn(STOCK, what)) {
      reply.error(404, `There is no ${what} in this mill.\n`);
      return;
    }
    await reply.write(`<p>${STOCK[what]} sacks</p>\n`);
    await reply.end();
  },

  close() {
    console.log("the mill closes");
  },
};

/** The whole message by hand. */
async function raw(message) {
  await message.write("HTTP/1.1 200 By Hand\r\nContent-Length: 6\r\n\r\n");
  await message.end("flour\n");
}

export default {
  routes: { "/mill/:what": mill, "/*": () => new Response("no such page\n", { status: 404 }) },
};
