// A small tracer for any app: one line of JSON per run of a handler, as an APM agent would make a
// span of it. It is no app: give it to Node.js, which loads it in each worker thread too.
//
//   NODE_OPTIONS="--import ./examples/tracing.mjs" npx millrace examples/hello.mjs
//   curl -H "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" \
//     http://127.0.0.1:3000/
//
// Whatever a handler calls finds the span in `currentSpan`, also after an await.

import { AsyncLocalStorage } from "node:async_hooks";
import { tracingChannel } from "node:diagnostics_channel";
import { writeSync } from "node:fs";

export const currentSpan = new AsyncLocalStorage();

const channel = tracingChannel("millrace:request");
const spans = new WeakMap();

channel.start.bindStore(currentSpan, (run) => {
  const span = {
    name: `${run.method} ${run.route || "fetch"}`,
    traceId: run.context.trace.traceId,
    parentId: run.context.trace.parentId,
    requestId: run.context.requestId,
    startedAt: performance.now(),
  };
  spans.set(run, span);
  return span;
});

channel.subscribe({
  end(run) {
    if (!run.isAsync) finish(run);
  },
  asyncEnd: finish,
});

function finish(run) {
  const { startedAt, ...span } = spans.get(run);
  const milliseconds = performance.now() - startedAt;
  const { status, error } = run;
  const line = { ...span, status, error: error?.message, milliseconds };
  // Of each thread by itself: console.log of a worker goes through the primary's loop.
  writeSync(1, `${JSON.stringify(line)}\n`);
}
