/** Tests of what a token is. */
import t from "tap";
import { isToken } from "../../src/shared/token.ts";

t.test("RFC 9110 5.6.2, character by character", (t) => {
  const chars = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  for (let code = 0; code < 256; code++) {
    const char = String.fromCharCode(code);
    t.equal(isToken(char), chars.includes(char), `code ${code}`);
    t.equal(isToken(`a${char}`), chars.includes(char));
  }
  t.equal(isToken("GET"), true);
  t.equal(isToken(""), false);
  t.equal(isToken("\u0100"), false);
  t.end();
});
