/** Tests of how the parts of a form are read, whose bytes come in any pieces. */
import { readdirSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import t from "tap";
import { withForm } from "../../src/handlers/forms.ts";
import type { Context, MillraceRequest } from "../../src/shared/app.ts";
import type { HttpError } from "../../src/shared/errors.ts";
import { within } from "../support/deadline.ts";
import { ownFolder } from "../support/folder.ts";

t.test("a form is refused wherever its bytes are cut", async (t) => {
  const folder = ownFolder(t);
  const { handle } = withForm(() => new Response(), { folder, filesMax: 1 });
  const file = "--b\r\nContent-Disposition: form-data; name=a; filename=f\r\n\r\n1\r\n";
  const form = Buffer.from(`${file}${file}--b--\r\n`);
  const context = { log: console } as unknown as Context;
  for (let cut = 1; cut < form.length; cut += 1) {
    for (const delay of [0, 0, 1, 1]) {
      const request = new Request("http://a/", {
        method: "POST",
        duplex: "half",
        headers: { "content-type": "multipart/form-data; boundary=b" },
        body: ReadableStream.from((async function* () {
          yield form.subarray(0, cut);
          await setTimeout(delay);
          yield form.subarray(cut);
        })()),
      });
      const answer = handle(request as MillraceRequest, context, {} as never) as Promise<Response>;
      const refused = answer.then(() => 200, ({ status }: HttpError) => status);
      if (await refused !== 413) t.fail(`cut at ${cut}`);
    }
  }
  t.strictSame(readdirSync(folder), []);
});

t.test("parts that are neither fields nor files are passed over, however long", async (t) => {
  const { handle } = withForm(({ fields }) => Response.json(fields), { folder: ownFolder(t) });
  const partOf = (head: string, text: string) => `--b\r\n${head}\r\n\r\n${text}\r\n`;
  const field = partOf("Content-Disposition: form-data; name=a", "1");
  const long = "z".repeat(300_000);
  for (const head of ["X-Any: 1", "Content-Disposition: attachment; filename=f"]) {
    const passed = partOf(head, long);
    for (const parts of [field + passed, passed + field, passed + field + passed]) {
      const request = new Request("http://a/", {
        method: "POST",
        headers: { "content-type": "multipart/form-data; boundary=b" },
        body: `${parts}--b--\r\n`, // one piece, with the form's end
      });
      const answer = handle(request as MillraceRequest, {} as Context, {} as never);
      const { body } = await within("the form", Promise.resolve(answer)) as Response;
      t.strictSame(await new Response(body).json(), [["a", "1"]]);
    }
  }
});

t.test("a file behind what a form is refused for is not begun", async (t) => {
  const folder = ownFolder(t);
  const { handle } = withForm(() => new Response(), { folder, fieldBytesMax: 10 });
  const partOf = (head: string, text: string): string => `--b\r\n${head}\r\n\r\n${text}\r\n`;
  const field = partOf("Content-Disposition: form-data; name=a", "x".repeat(11));
  const passed = partOf("X-Any: 1", "z".repeat(200_000));
  const file = partOf("Content-Disposition: form-data; name=f; filename=f", "1");
  for (let i = 0; i < 10; i++) {
    const request = new Request("http://a/", {
      method: "POST",
      headers: { "content-type": "multipart/form-data; boundary=b" },
      body: `${field}${passed}${file}--b--\r\n`, // in one piece, which the parser reads to its end
    });
    const answer = handle(request as MillraceRequest, {} as Context, {} as never);
    await t.rejects(Promise.resolve(answer), { message: /a field longer than 10 bytes/ });
  }
  await setTimeout(100);
  t.strictSame(readdirSync(folder), []);
});
