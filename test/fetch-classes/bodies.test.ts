/**
 * The body of Response and Request, side by side with the runtime's: every kind of body, and every
 * use of it.
 */
import t from "tap";
import { BODY_CASES, BODY_USES } from "../support/body-cases.ts";
import { sameAsStandard } from "../support/compare.ts";

const URL_A = "http://a.test/";

for (const [use, run] of Object.entries(BODY_USES)) {
  t.test(`${use} of a Response`, async (t) => {
    for (const [kind, body] of Object.entries(BODY_CASES)) {
      await sameAsStandard(t, { [kind]: ({ Response }) => run(new Response(body())) });
    }
  });
  t.test(`${use} of a Request`, async (t) => {
    for (const [kind, body] of Object.entries(BODY_CASES)) {
      const init = (): object => ({ method: "POST", body: body(), duplex: "half" });
      await sameAsStandard(t, { [kind]: ({ Request }) => run(new Request(URL_A, init())) });
    }
  });
}
