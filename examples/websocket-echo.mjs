// A WebSocket that sends everything back, and a page to try it.
//
//   npx millrace examples/websocket-echo.mjs
//   and open http://127.0.0.1:3000/ in a browser
//   curl -i http://127.0.0.1:3000/echo           (400: it is for WebSockets)

const page = `<!doctype html>
<title>echo</title>
<form id="form"><input id="text" autofocus> <button>Send</button></form>
<ul id="list"></ul>
<script>
  const socket = new WebSocket(location.href.replace("http", "ws") + "echo");
  const show = (text) => list.appendChild(document.createElement("li")).append(text);
  socket.onmessage = ({ data }) => show(data);
  socket.onclose = ({ code }) => show("closed: " + code);
  form.onsubmit = () => { socket.send(text.value); text.value = ""; return false; };
</script>
`;

export default {
  routes: {
    "/": new Response(page, { headers: { "Content-Type": "text/html; charset=utf-8" } }),
    "/echo": (request, context) => {
      const data = { since: Date.now(), messages: 0 };
      if (context.upgrade(request, { data })) return undefined;
      return new Response("this is for WebSockets\n", { status: 400 });
    },
  },
  websocket: {
    maxPayloadLength: 64 * 1024,
    message(socket, message) {
      socket.data.messages++;
      socket.send(message);
    },
    close(socket, code) {
      const seconds = (Date.now() - socket.data.since) / 1000;
      console.log(`${socket.data.messages} messages in ${seconds} s, closed with ${code}`);
    },
  },
};
