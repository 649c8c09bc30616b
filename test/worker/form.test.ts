/** Forms as bodies, compared with those of the runtime. */
import t from "tap";
import { asStandard, formBody } from "../../src/worker/form.ts";
import { LightResponse } from "../../src/worker/response.ts";
import { StandardResponse } from "../../src/worker/standard.ts";

function makeForm(): FormData {
  const form = new FormData();
  form.append("plain", "a");
  form.append("lines", "a\nb\rc\r\nd");
  form.append('odd "name"\n', "ä");
  form.append("file", new File(["x\ny"], 'a "b".txt', { type: "text/x" }));
  form.append("untyped", new File([new Uint8Array([0, 255])], "b"));
  form.append("again", "1");
  form.append("again", "2");
  return form;
}

t.test("a form is written as the runtime writes it", async (t) => {
  const { body, type } = formBody(makeForm());
  const theirs = new StandardResponse(makeForm());
  const theirType = theirs.headers.get("content-type")!;
  const boundary = /boundary=(.*)/.exec(type)![1]!;
  const theirBoundary = /boundary=(.*)/.exec(theirType)![1]!;
  const text = (await theirs.text()).replaceAll(theirBoundary, boundary);
  t.equal(await body.text(), text.replace(/\r\n$/, "") + (text.endsWith("\r\n") ? "\r\n" : ""));
});

t.test("a form comes back as it was", async (t) => {
  const response = new LightResponse(makeForm());
  t.match(response.headers.get("content-type"), /^multipart\/form-data; boundary=/);
  const form = await response.formData();
  t.strictSame(form.getAll("again"), ["1", "2"]);
  t.equal(form.get("lines"), "a\r\nb\r\nc\r\nd");
  const file = form.get("file") as File;
  t.equal(file.type, "text/x");
  t.equal(await file.text(), "x\ny");
});

t.test("a form with text and type goes through the parsers of the runtime", async (t) => {
  const bytes = new TextEncoder().encode("a=1");
  const form = await asStandard(bytes, "application/x-www-form-urlencoded").formData();
  t.equal(form.get("a"), "1");
  t.equal((await asStandard(bytes, null).blob()).type, "");
});
