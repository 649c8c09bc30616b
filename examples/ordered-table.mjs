// An ordered table of routes: conditions, a gate, a rewrite, and a handler object per connection.
//
//   npx millrace examples/ordered-table.mjs --workers 1
//   curl http://127.0.0.1:3000/v1/orders/7
//   curl -X POST -H 'Content-Type: text/csv' --data 'milk,2' http://127.0.0.1:3000/v1/orders
//   curl http://127.0.0.1:3000/count http://127.0.0.1:3000/count
//   curl -i http://127.0.0.1:3000/admin/log
//   curl -H 'Authorization: Bearer let-me-in' http://127.0.0.1:3000/admin/log

const orders = new Map([["7", { item: "bread", count: 1 }]]);
const log = [];

function add(order) {
  const id = String(orders.size + 7);
  orders.set(id, order);
  log.push(`added ${id}`);
  return Response.json({ id, ...order }, { status: 201 });
}

/** Counts the requests of each connection; the count goes to the log when the connection ends. */
const counted = {
  perConnection() {
    let requests = 0;
    return {
      handle: () => `${++requests} of this connection`,
      close: () => log.push(`a connection asked ${requests} times`),
    };
  },
};

export default {
  table: [
    // Old paths go through the table once more, under their new names.
    { prefix: "/v1", handler: "rewrite:/v2/*" },
    // The gate takes every method: it declines for whoever may go on.
    {
      prefix: "/admin",
      handler: "continue",
      auth: (request) => {
        const isKnown = request.headers.get("authorization") === "Bearer let-me-in";
        return isKnown ? undefined : new Response("not for you\n", { status: 403 });
      },
    },
    { path: "/admin/log", handler: () => Response.json(log) },
    {
      path: "/v2/orders",
      method: "POST",
      contentTypes: "application/json",
      handler: async (request) => add(await request.json()),
    },
    {
      path: "/v2/orders",
      method: "POST",
      contentTypes: "text/csv",
      handler: async (request) => {
        const [item, count] = (await request.text()).trim().split(",");
        return add({ item, count: Number(count) });
      },
    },
    {
      regex: /^\/v2\/orders\/(?<id>\d+)$/,
      method: "GET",
      handler: ({ params }) => {
        const order = orders.get(params.id);
        return order && Response.json(order); // declines for an order that there is not
      },
    },
    { path: "/count", handler: counted },
  ],
  fetch: () => new Response("nothing here\n", { status: 404 }),
};
