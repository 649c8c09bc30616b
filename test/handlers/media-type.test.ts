/** Tests of what a media type is. */
import t from "tap";
import { isMediaType } from "../../src/handlers/media-type.ts";

t.test("a type and a subtype, and nothing else", (t) => {
  for (const type of ["text/plain", "application/vnd.mill+json", "x/*y"]) {
    t.ok(isMediaType(type), type);
  }
  const wrong = ["", "text", "text/", "/plain", "text/x/y", "text/*", "*/*", "text/plain; a=b",
    " text/plain", "text/pl ain", "text/plain\n", 5, undefined, null];
  for (const type of wrong) t.notOk(isMediaType(type), String(type));
  t.end();
});
