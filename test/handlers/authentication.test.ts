/** Tests of authentication, over real connections: on every request, not once per connection. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { authenticated, type AuthenticationOptions } from "../../src/handlers/authentication.ts";
import { until } from "../support/deadline.ts";
import { ownFolder } from "../support/folder.ts";
import { startApp } from "../support/server.ts";

const MODULE = new URL("../../src/handlers/authentication.js", import.meta.url).href;

const APP = `
  import { authenticated, basic, bearer, byAddress } from ${JSON.stringify(MODULE)};
  import { HttpError } from ${JSON.stringify(new URL("../shared/errors.js", MODULE).href)};
  const users = { miller: "flour", cook: "salt", admin: "a" };
  const lookup = (user, password) => {
    if (user === "broken") throw new Error("no directory");
    if (users[user] !== password) return [];
    return [{ name: user, roles: user === "miller" ? ["a", "b"] : ["a"] }];
  };
  const by = basic({ lookup, realm: "mill" });
  const token = bearer({ verify: (token) => (token === "t" ? { name: "token" } : null) });
  const show = (request) => Response.json({ user: request.user ?? null });
  const ended = [];
  const told = [];
  const down = {
    authenticate() { throw new HttpError(503, "down", { headers: { "retry-after": "9" } }); },
    challenge: () => "Own",
  };
  const bad = { authenticate() { throw new HttpError(403, "bad"); }, challenge: () => "Own" };
  export default {
    routes: {
      "/known": authenticated({ by }, show),
      "/both": authenticated({ by: [by, token] }, show),
      "/role": authenticated({ by, roles: { all: ["a", "b"] } }, show),
      "/own-roles": authenticated({ by, roles: "cook", rolesOf: async ({ name }) => [name] }, show),
      "/title": authenticated({ by, roles: "a", rolesOf: ({ name }) => name }, show),
      "/titles": authenticated({ by, roles: "cook", rolesOf: async ({ name }) => name }, show),
      "/no-title": authenticated({ by, roles: "a", rolesOf: ({ title }) => title }, show),
      "/optional": authenticated({ by, optional: true }, show),
      "/optional-role": authenticated({ by, optional: true, roles: "a" }, show),
      "/optional-other": authenticated({
        by, optional: true, roles: "b", refused: (why) => void told.push(why),
      }, show),
      "/optional-any": authenticated({ by, optional: true, roles: { all: [] } }, show),
      "/told": () => Response.json(told),
      "/down": authenticated({ by: down }, show),
      "/bad": authenticated({ by: [bad, by] }, show),
      "/bad-optional": authenticated({ by: bad, optional: true }, show),
      "/down-optional": authenticated({ by: down, optional: true }, show),
      "/down-or": authenticated({ by: [down, by] }, show),
      "/text": authenticated({ by, refused: (why) => "text " + why }, show),
      "/null": authenticated({ by, refused: async () => null }, show),
      "/here": authenticated({ by: byAddress(["127.0.0.0/8"]) }, show),
      "/elsewhere": authenticated({ by: byAddress(["192.0.2.1"]) }, show),
      "/page": authenticated({
        by, roles: "b",
        refused: (why, request) => request.url.endsWith("?own")
          ? new Response(why, { status: 418 }) : undefined,
      }, show),
      "/ended": authenticated({
        by, ended: (user) => void ended.push(user === null ? null : user.name),
      }, () => { throw new Error("broken"); }),
      "/all-ended": () => Response.json(ended),
      "/next": authenticated({ by }),
      "/untrue": authenticated({ by: { authenticate: (request) => request.url === "" } }, show),
    },
    fetch: show,
  };
`;

t.test("who is let in, on one connection", async (t) => {
  const { connect } = await startApp(t, APP);
  const client = await connect();
  const ask = async (path: string, field?: string): Promise<unknown[]> => {
    const line = field === undefined ? "" : `Authorization: ${field}\r\n`;
    const answer = await client.request(`GET ${path} HTTP/1.1\r\nHost: a\r\n${line}\r\n`);
    return [answer.status, answer.body.trim(), answer.header("www-authenticate")];
  };
  const miller = `Basic ${btoa("miller:flour")}`;
  const cook = `Basic ${btoa("cook:salt")}`;
  const challenge = 'Basic realm="mill", charset="UTF-8"';
  const millerJson = '{"user":{"name":"miller","roles":["a","b"]}}';
  const cookJson = '{"user":{"name":"cook","roles":["a"]}}';
  const needed = "Authentication is needed";

  t.strictSame(await ask("/known"), [401, needed, challenge]);
  t.strictSame(await ask("/known", miller), [200, millerJson, undefined]);
  t.strictSame(await ask("/known"), [401, needed, challenge], "each request is asked for its own");
  t.strictSame(await ask("/known", `Basic ${btoa("miller:salt")}`), [401, needed, challenge]);
  t.strictSame(await ask("/known", `Basic ${btoa("broken:x")}`), [401, needed, challenge]);
  t.strictSame(await ask("/next", cook), [200, cookJson, undefined]);
  t.strictSame(await ask("/next"), [401, needed, challenge]);

  t.strictSame(await ask("/both", "Bearer t"), [200, '{"user":{"name":"token"}}', undefined]);
  t.strictSame(await ask("/both"), [401, needed, `${challenge}, Bearer realm="millrace"`]);

  t.strictSame(await ask("/role", miller), [200, millerJson, undefined]);
  t.strictSame(await ask("/role", cook), [403, "Not allowed", undefined]);
  t.strictSame(await ask("/role"), [401, needed, challenge]);
  t.strictSame(await ask("/own-roles", cook), [200, cookJson, undefined]);
  t.strictSame(await ask("/own-roles", miller), [403, "Not allowed", undefined]);

  const admin = `Basic ${btoa("admin:a")}`;
  t.strictSame(await ask("/title", admin), [403, "Not allowed", undefined], "a text is one role");
  t.strictSame(await ask("/titles", cook), [200, cookJson, undefined]);
  t.strictSame(await ask("/no-title", cook), [403, "Not allowed", undefined], "none is none");

  t.strictSame(await ask("/optional"), [200, '{"user":null}', undefined]);
  t.strictSame(await ask("/optional", cook), [200, cookJson, undefined]);
  t.strictSame(await ask("/optional-role"), [401, needed, challenge], "logging in may help");
  t.strictSame(await ask("/optional-role", cook), [200, cookJson, undefined]);
  t.strictSame(await ask("/optional-other"), [401, needed, challenge]);
  t.strictSame(await ask("/optional-other", cook), [403, "Not allowed", undefined]);
  t.strictSame(await ask("/optional-any"), [200, '{"user":null}', undefined]);

  t.strictSame(await ask("/here"), [200, '{"user":{"address":"127.0.0.1"}}', undefined]);
  t.strictSame(await ask("/elsewhere"), [403, "Not allowed", undefined]);

  t.strictSame(await ask("/untrue"), [403, "Not allowed", undefined]);

  t.strictSame(await ask("/page?own"), [418, "unknown", undefined]);
  t.strictSame(await ask("/page?own", cook), [418, "role", undefined]);
  t.strictSame(await ask("/page"), [401, needed, challenge]);

  t.strictSame(await ask("/told"), [200, '["unknown","role"]', undefined]);

  t.strictSame(await ask("/down", miller), [503, "down", undefined], "no word on who asks");
  t.strictSame(await ask("/down-optional"), [503, "down", undefined]);
  t.strictSame(await ask("/down-or"), [503, "down", undefined]);
  t.strictSame(await ask("/down-or", cook), [200, cookJson, undefined], "another one knows");

  for (const path of ["/text", "/null"]) {
    t.match(await ask(path), [500, "Internal Server Error"], "no text is let out as 200");
    t.match(await ask(path, cook), [200, cookJson]);
  }

  t.match(await ask("/ended", miller), [500]);
  t.match(await ask("/ended"), [401]);
  t.match(await ask("/all-ended"), [200, '["miller",null]']);
});

t.test("an authenticator that throws less than 500 knows nobody", async (t) => {
  const { url } = await startApp(t, APP);
  const headers = { authorization: `Basic ${btoa("cook:salt")}` };
  const stranger = await fetch(`${url}/bad`);
  const challenges = 'Own, Basic realm="mill", charset="UTF-8"';
  t.strictSame([stranger.status, stranger.headers.get("www-authenticate")], [401, challenges]);
  t.equal((await fetch(`${url}/bad`, { headers })).status, 200, "another one may");
  t.equal(await (await fetch(`${url}/bad-optional`)).text(), '{"user":null}');
});

t.test("what `ended` throws or rejects with is logged and changes nothing", async (t) => {
  const logDestination = join(ownFolder(t), "log");
  const { url } = await startApp(t, `
    import { threadId } from "node:worker_threads";
    import { authenticated } from ${JSON.stringify(MODULE)};
    const by = {
      authenticate: (request) => request.url.endsWith("?known"), challenge: () => "Own",
    };
    const ways = {
      throws: () => { throw new Error("ended throws"); },
      rejects: async () => { throw new Error("ended rejects"); },
      odd: async () => { throw new Proxy({}, { get() { throw new Error("odd"); } }); },
    };
    const answers = {
      text: () => new Response(String(threadId)),
      fails: () => { throw new Response("own", { status: 499 }); },
    };
    export default { routes: Object.fromEntries(Object.entries(ways).flatMap(([way, ended]) => (
      Object.entries(answers).map(([name, answer]) => (
        ["/" + way + "/" + name, authenticated({ by, ended }, answer)]
      ))
    ))) };
  `, { logLevel: "error", logDestination });
  const ask = async (path: string): Promise<unknown[]> => {
    const answer = await fetch(url + path);
    return [answer.status, await answer.text()];
  };
  const [, thread] = await ask("/rejects/text?known");
  for (const way of ["throws", "rejects", "odd"]) {
    t.strictSame(await ask(`/${way}/text?known`), [200, thread], `${way}: the same worker`);
    t.strictSame(await ask(`/${way}/fails?known`), [499, "own"], way);
    t.match(await ask(`/${way}/text`), [401], way);
  }
  const lines = (): string[] => (
    readFileSync(logDestination, "utf8").match(/`ended` of authenticated failed/g) ?? []
  );
  await until("each to be told of", () => lines().length === 10);
  t.match(readFileSync(logDestination, "utf8"), /ended throws.*ended rejects/s);
});

t.test("options that are none", (t) => {
  const by = { authenticate: () => null };
  const wrong: unknown[] = [
    {}, { by: [] }, { by: [by, {}] }, { by: null }, { by, roles: {} }, { by, roles: null },
    { by, rolesOf: "roles" }, { by, refused: "no" }, { by, ended: {} }, { by, optional: "no" },
  ];
  for (const options of wrong) {
    t.throws(() => authenticated(options as AuthenticationOptions), {
      name: "TypeError", code: "ERR_MILLRACE_OPTION_INVALID", message: /^authenticated: /,
    }, JSON.stringify(options));
  }
  t.throws(() => authenticated({ by, role: "admin" } as AuthenticationOptions), {
    name: "TypeError", message: 'authenticated: no option "role", did you mean roles?',
  });
  t.end();
});
