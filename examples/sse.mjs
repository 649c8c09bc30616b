// Server-sent events: an answer that goes on while the client listens.
//
//   npx millrace examples/sse.mjs
//   curl -N http://127.0.0.1:3000/events
//   or open http://127.0.0.1:3000/ in a browser

import { setTimeout as sleep } from "node:timers/promises";

const PERIOD_MS = Number(process.env.PERIOD_MS ?? 1000);

const page = `<!doctype html>
<meta charset="utf-8">
<title>Server-sent events</title>
<h1>The time on the server</h1>
<p id="time">...</p>
<script>
  const time = document.getElementById("time");
  new EventSource("/events").addEventListener("time", (event) => {
    time.textContent = event.data;
  });
</script>
`;

export default {
  routes: {
    "/": new Response(page, { headers: { "content-type": "text/html; charset=utf-8" } }),
    "/events": (request) => new Response(events(request.signal), {
      headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
    }),
  },
};

// The signal aborts when the client is gone; the sleep then rejects and ends the generator.
async function* events(signal) {
  for (let id = 1; ; id++) {
    yield `id: ${id}\nevent: time\ndata: ${new Date().toISOString()}\n\n`;
    try {
      await sleep(PERIOD_MS, undefined, { signal });
    } catch {
      return;
    }
  }
}
