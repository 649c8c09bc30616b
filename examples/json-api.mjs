// A JSON API: parameters of routes, a handler per method, errors as JSON.
//
//   npx millrace examples/json-api.mjs --workers 1
//   curl http://127.0.0.1:3000/notes/1
//   curl -X PUT -d '{"text":"milk"}' http://127.0.0.1:3000/notes/2
//
// Each worker thread runs this module once, so this Map belongs to one worker. With several
// workers keep what must be common in a database.

const notes = new Map([["1", { text: "bread" }]]);

export default {
  routes: {
    "/notes": {
      GET: () => Response.json(Object.fromEntries(notes)),
    },
    "/notes/:id": {
      GET(request) {
        const note = notes.get(request.params.id);
        return note === undefined ? missing(request.params.id) : Response.json(note);
      },
      async PUT(request) {
        const note = await readNote(request);
        if (note === undefined) return Response.json({ error: "no text" }, { status: 422 });
        const status = notes.has(request.params.id) ? 200 : 201;
        notes.set(request.params.id, note);
        return Response.json(note, { status });
      },
      DELETE(request) {
        const existed = notes.delete(request.params.id);
        return existed ? new Response(null, { status: 204 }) : missing(request.params.id);
      },
    },
  },

  fetch: () => Response.json({ error: "not found" }, { status: 404 }),

  error(error) {
    if (error instanceof SyntaxError) {
      return Response.json({ error: "the body is not JSON" }, { status: 400 });
    }
    throw error;
  },
};

function missing(id) {
  return Response.json({ error: `no note ${id}` }, { status: 404 });
}

async function readNote(request) {
  const body = await request.json();
  return typeof body?.text === "string" ? { text: body.text } : undefined;
}
