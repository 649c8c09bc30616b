// A handler in the style of an event: properties in, properties out.
//
//   npx millrace examples/event-style.mjs
//   curl -i 'http://127.0.0.1:3000/?name=World'
//   curl -i -d 'name=World&name=Moon' http://127.0.0.1:3000/
//   curl -i -u miller:flour http://127.0.0.1:3000/private
//   curl -i http://127.0.0.1:3000/

import { eventHandler } from "millrace/event-handler";

export default eventHandler((event) => {
  if (event.get("http.base") === "/private") {
    const isKnown = event.get("http.remote_user") === "miller" &&
      event.get("http.remote_pass") === "flour";
    event.set("http.status", isKnown ? "OK" : "FORBIDDEN");
    event.set("http.body", "the price of flour");
    return;
  }
  const names = event.all("http.qs.name");
  if (names.length === 0) {
    event.set("http.redirect", "/?name=World");
    return;
  }
  event.set("http.body", `Hello, ${names.join(" and ")}!\n`);
}, { realm: "the mill" });
