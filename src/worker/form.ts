/**
 * Forms as bodies: FormData out as multipart/form-data, and both kinds of form in. Reading is left
 * to the runtime, which has the parsers. Any thread.
 */
import { randomBytes } from "node:crypto";
import { StandardResponse } from "./standard.ts";

const LINE_END = /\r\n|\r|\n/g;

/** The form as multipart/form-data: a Blob, whose length is known, and that can be sent again. */
export function formBody(form: FormData): { body: Blob; type: string } {
  const boundary = `----formdata-${randomBytes(16).toString("hex")}`;
  const parts: (string | Blob)[] = [];
  for (const [name, value] of form) {
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${quote(crlf(name))}"`;
    if (typeof value === "string") {
      parts.push(`${head}\r\n\r\n${crlf(value)}\r\n`);
      continue;
    }
    const type = value.type || "application/octet-stream";
    parts.push(`${head}; filename="${quote(value.name)}"\r\nContent-Type: ${type}\r\n\r\n`);
    parts.push(value, "\r\n");
  }
  parts.push(`--${boundary}--\r\n`);
  return { body: new Blob(parts), type: `multipart/form-data; boundary=${boundary}` };
}

function crlf(text: string): string {
  return text.replace(LINE_END, "\r\n");
}

function quote(text: string): string {
  return text.replace(/\n/g, "%0A").replace(/\r/g, "%0D").replace(/"/g, "%22");
}

/** The bytes as a standard Response of this type: it has the parsers of `formData` and `blob`. */
export function asStandard(bytes: Uint8Array<ArrayBuffer>, contentType: string | null): Response {
  const headers: [string, string][] = contentType === null ? [] : [["content-type", contentType]];
  return new StandardResponse(bytes, { headers });
}
