/**
 * Routes that change while the server runs, in all workers at once: a gate in front of the items.
 *
 *   npx millrace examples/maintenance.mjs
 *   curl http://127.0.0.1:3000/items
 *   curl -X PUT http://127.0.0.1:3000/maintenance && curl -i http://127.0.0.1:3000/items
 *   curl -X DELETE http://127.0.0.1:3000/maintenance && curl http://127.0.0.1:3000/items
 *   curl http://127.0.0.1:3000/routes
 */
export default {
  // What routes name: functions cannot be sent from one thread to another.
  handlers: {
    items: () => Response.json(["bread", "milk"]),
    closed: () => new Response("back soon\n", { status: 503, headers: { "retry-after": "60" } }),
  },
  routes: {
    "/items": "items",
    "/routes": async (request, { server }) => Response.json(await server.routes()),
    "/maintenance": {
      async PUT(request, { server }) {
        // Of two rows with one pattern the first is asked first.
        await server.addRoute("/items", { id: "gate", handler: "closed", position: 0 });
        return new Response(null, { status: 204 });
      },
      async DELETE(request, { server }) {
        await server.removeRoute("gate");
        return new Response(null, { status: 204 });
      },
    },
  },
  // The second PUT or DELETE in a row finds what it wants done already.
  error: (error) => new Response(`${error.message}\n`, { status: error.code ? 409 : 500 }),
};
