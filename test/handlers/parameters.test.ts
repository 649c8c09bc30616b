/** Tests of parameters of header fields. */
import t from "tap";
import { parameter, quoted } from "../../src/handlers/parameters.ts";

t.test("a token stands as it is, anything else is quoted", (t) => {
  t.equal(parameter("charset", "utf-8"), "charset=utf-8");
  t.equal(parameter("x", 'a "b" \\'), 'x="a \\"b\\" \\\\"');
  t.equal(parameter("x", ""), 'x=""');
  t.equal(quoted("realm", "mill"), 'realm="mill"');
  for (const make of [parameter, quoted]) {
    t.throws(() => make("a b", "c"), TypeError);
    for (const value of ["a\nb", "\0", "ä", 5, undefined]) {
      t.throws(() => make("x", value as string), { message: /^The x of a field is text/ });
    }
  }
  t.end();
});
