/** Functions by name behind one route. */
import t from "tap";
import { actionMap } from "../../src/handlers/action-map.ts";
import { startApp } from "../support/server.ts";

const MODULE = new URL("../../src/handlers/action-map.js", import.meta.url).href;

t.test("the path names the action, and nothing else is one", async (t) => {
  const { url } = await startApp(t, `
    import { actionMap } from "${MODULE}";
    const actions = actionMap({
      greet: ({ method }, { listener }) => method + " on " + listener.id,
      none: () => undefined,
    });
    const other = actionMap({ a: () => "found" }, { parameter: "*" });
    export default {
      handlers: { actions, other },
      routes: { "/action/:name": "actions", "/action/": "actions", "/deep/*": "other" },
      fetch: () => "fetch",
    };
  `);
  const ask = async (path: string): Promise<[number, string]> => {
    const answer = await fetch(url + path);
    return [answer.status, await answer.text()];
  };
  t.strictSame(await ask("/action/greet"), [200, "GET on default"]);
  t.strictSame(await ask("/action/none"), [200, "fetch"], "an action may decline");
  t.strictSame(await ask("/deep/a"), [200, "found"]);
  for (const path of ["/action/", "/action/other", "/action/toString", "/action/__proto__"]) {
    t.strictSame(await ask(path), [404, "Not Found"], path);
  }
});

t.test("what is no function is refused at once", async (t) => {
  const wrong = { a: "text" } as unknown as Parameters<typeof actionMap>[0];
  t.throws(() => actionMap(wrong), new TypeError('actionMap: "a" is no function'));
  t.throws(() => actionMap({}, { param: "x" } as object), {
    name: "TypeError", message: 'actionMap: no option "param", did you mean parameter?',
  });
  t.throws(() => actionMap({}, { parameter: 5 as never }), { message: /parameter is a string/ });
});
