// The smallest app: one route.
//
//   npx millrace examples/hello.mjs
//   curl http://127.0.0.1:3000/

export default {
  routes: {
    "/": () => new Response("Hello, World!"),
  },
};
