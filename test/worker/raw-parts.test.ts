/** Answers whose head is the app's: what their status is. */
import t from "tap";
import { RawParts, statusOf } from "../../src/worker/raw-parts.ts";
import { ReplyBody } from "../../src/worker/reply-body.ts";

t.test("the status of a message", async (t) => {
  const status = (text: string): number => statusOf(new TextEncoder().encode(text));
  t.equal(status("HTTP/1.1 207 Multi-Status\r\n"), 207);
  t.equal(status("HTTP/1.0 404\r\n"), 404);
  t.equal(status("HTTP/1.1 103 Early Hints\r\n"), 103);
  for (const wrong of ["", "HTTP/1.1", "HTTP/2 200 OK", "http/1.1 200 OK", "HTTP/1.1 2000 OK",
    "HTTP/1.1 600 X", " HTTP/1.1 200", "<html>"]) t.equal(status(wrong), 0, wrong);
});

t.test("its parts never take the short ways", async (t) => {
  const parts = new RawParts(207, new ReplyBody(false, 100, () => undefined));
  t.ok(parts.status > 0 && parts.status < 100);
  t.equal(parts.sentStatus, 207);
});
