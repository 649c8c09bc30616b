/** The format of the transcripts. */
import t from "tap";
import { parseTranscripts } from "./transcript.ts";

const HEAD = "# File\n\nText.\n\nOptions: `{\"headersMax\": 4}`\n\n";
const CASE = `## A case

RFC 1: because.

Options: \`{"methods": ["GET"]}\`

\`\`\`send
GET / HTTP/1.1\\r\\n
X: {"ab" x 3}\\x00\\0\\t\\\\\\"\\r\\n
@await 10\\r
@half-close
rest
@reset
\`\`\`

\`\`\`expect
{answer 200 OK "a\\nb"}
{last answer 400 Bad Request ""}
{"x" x 2}
\`\`\`

Closed.
`;

t.test("a case", async (t) => {
  const [found, ...others] = parseTranscripts("a.md", HEAD + CASE);
  t.same(others, []);
  t.match(found, {
    place: "a.md:7",
    title: "A case",
    why: "RFC 1: because.",
    options: { headersMax: 4, methods: ["GET"] },
    end: "closed",
  });
  const steps = found?.steps.map((step) =>
    step.kind === "bytes" ? step.bytes.toString("latin1") : Object.values(step).join(" "));
  t.strictSame(steps, [
    'GET / HTTP/1.1\r\nX: ababab\0\0\t\\"\r\n', "await 10\r", "half-close", "rest", "reset",
  ]);
  const answer = (line: string, more: string, body: string): string =>
    `HTTP/1.1 ${line}\r\nDate: {date}\r\nContent-Type: text/plain;charset=UTF-8\r\n${more}` +
    `Content-Length: ${body.length}\r\n\r\n${body}`;
  t.equal(
    found?.expected,
    `${answer("200 OK", "", "a\nb")}${answer("400 Bad Request", "Connection: close\r\n", "")}xx`,
  );
});

t.test("several cases, each at its line", async (t) => {
  const found = parseTranscripts("a.md", `${HEAD}${CASE}\n${CASE.replace("Closed", "Kept")}`);
  const places = found.map(({ place, end }) => `${place} ${end}`);
  t.strictSame(places, ["a.md:7 closed", "a.md:30 kept"]);
});

t.test("what is wrong says where", async (t) => {
  const wrong: [string, string, RegExp][] = [
    ["RFC 1: because.\n", "", /^a\.md:7: does not say why/],
    ["Closed.\n", "", /^a\.md:7: must end with/],
    ["```send", "```other", /^a\.md:7: no block "send"/],
    ["```expect", "```send", /^a\.md:7: two blocks "send"/],
    ["@reset", "@nothing", /^a\.md:7: unknown directive @nothing/],
    ["rest", "\\q", /^a\.md:7: unknown escape \\q/],
  ];
  for (const [from, to, message] of wrong) {
    t.throws(() => parseTranscripts("a.md", HEAD + CASE.replace(from, to)), { message });
  }
});
