// A stream in the style of callbacks: the server calls a function again each time that what it
// wrote has left, until it ends; or the application calls it, at its own pace.
//
//   npx millrace examples/stream.mjs
//   curl -N http://127.0.0.1:3000/
//   curl -N http://127.0.0.1:3000/clock

const LINES = 5;
const TICK_MS = 200;

function countdown(request, context) {
  let count = LINES;
  context.connection.onClose(() => context.log.info("the connection has closed"));
  context.reply().header("Content-Type", "text/plain").stream((reply) => {
    if (count === 0) void reply.end("lift-off\n");
    else void reply.write(`${count--}\n`);
  });
}

/** The server calls nothing here: each tick of the timer does. */
function clock(request, context) {
  let ticks = 0;
  const reply = context.reply().stream((each) => {
    if (++ticks > LINES) void each.end();
    else void each.write(`tick ${ticks}\n`);
  }, { manual: true });
  const tick = async () => {
    if (!(await reply.next())) clearInterval(timer);
  };
  const timer = setInterval(() => void tick(), TICK_MS);
}

export default {
  routes: { "/": countdown, "/clock": clock },
};
