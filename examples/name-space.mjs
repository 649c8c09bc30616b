// Handler objects that come and go, found by path, whose answers have typed fields.
//
//   npx millrace examples/name-space.mjs --workers 1
//   curl -i http://127.0.0.1:3000/notes/first
//   curl -i -X PUT -d 'flour is dear' http://127.0.0.1:3000/notes/price
//   curl -i http://127.0.0.1:3000/notes/price
//   curl -i 'http://127.0.0.1:3000/notes/price?download'
//   curl -i -X DELETE http://127.0.0.1:3000/notes/price
//   curl -i http://127.0.0.1:3000/notes/price

import { createHash } from "node:crypto";
import {
  setAllow, setCacheControl, setContentDisposition, setContentLanguage, setEntityTag,
  setLastModified, setRetryAfter,
} from "millrace/fields";
import { NameSpace } from "millrace/name-space";

const NOTES_MAX = 1000;

/** One note. It answers GET, and says which other methods there are. */
class Note {
  #text;
  #writtenAt = new Date();

  constructor(text) {
    this.#text = text;
  }

  handle(request) {
    const headers = new Headers();
    if (request.method !== "GET" && request.method !== "HEAD") {
      setAllow(headers, "GET", "HEAD", "PUT", "DELETE");
      return new Response(null, { status: 405, headers });
    }
    const name = new URL(request.url).pathname.split("/").at(-1);
    setCacheControl(headers, { private: true, maxAge: 60 });
    setEntityTag(headers, createHash("sha256").update(this.#text).digest("hex").slice(0, 16), true);
    setLastModified(headers, this.#writtenAt);
    setContentLanguage(headers, "en");
    if (request.url.endsWith("?download")) {
      setContentDisposition(headers, "attachment", `${decodeURIComponent(name)}.txt`);
    }
    return new Response(`${this.#text}\n`, { headers });
  }
}

const names = new NameSpace();
names.insert("/notes/first", new Note("grind at dawn"));

async function put(request) {
  const { pathname } = new URL(request.url);
  const note = new Note(await request.text());
  const isNew = names.get(pathname) === undefined;
  if (isNew && names.size >= NOTES_MAX) {
    const headers = new Headers();
    setRetryAfter(headers, 3600);
    return new Response("no room for another note\n", { status: 503, headers });
  }
  names.delete(pathname);
  names.insert(pathname, note);
  return new Response(null, { status: isNew ? 201 : 204 });
}

export default {
  routes: {
    "/notes/:name": {
      GET: names,
      PUT: put,
      DELETE: (request) => {
        const wasThere = names.delete(new URL(request.url).pathname);
        return new Response(null, { status: wasThere ? 204 : 404 });
      },
      POST: names,
    },
  },
  fetch: () => new Response("There is no such note.\n", { status: 404 }),
};
