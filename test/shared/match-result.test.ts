/** What a `match` may say, and what may be one. */
import t from "tap";
import { isMatch, wrongMatch } from "../../src/shared/match-result.ts";

const place = { routeName: "row 2" };

t.test("whatever is there at once is true or false, a promise is refused", async (t) => {
  for (const said of [true, 1, "a", {}, []]) t.equal(isMatch(said, place), true);
  for (const said of [false, 0, "", null, undefined]) t.equal(isMatch(said, place), false);
  const error = {
    code: "ERR_MILLRACE_MATCH_INVALID",
    message: "The match of row 2 has returned a promise, and must return true or false",
  };
  for (const said of [Promise.resolve(true), Promise.reject(new Error("x"))]) {
    t.throws(() => isMatch(said, place), error);
  }
});

t.test("a function that cannot say it at once is known before it is called", (t) => {
  t.equal(wrongMatch({ match: undefined }), null);
  t.equal(wrongMatch({ match: () => true }), null);
  t.equal(wrongMatch({ match: true }), "match is no function");
  t.match(wrongMatch({ match: async () => true }), /async/);
  t.match(wrongMatch({ match: async function* () { yield true; } }), /async/);
  t.end();
});
