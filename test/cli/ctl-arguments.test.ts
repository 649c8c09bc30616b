/** Tests of what the arguments behind `millrace ctl` ask for. */
import t from "tap";
import { parseControl } from "../../src/cli/ctl-arguments.ts";

const parse = (...argv: string[]): ReturnType<typeof parseControl> =>
  parseControl(["--control", "/c", ...argv], {});

t.test("a verb, what it is about, and its flags, in any order", async (t) => {
  t.match(parse("status"), {
    verb: "status", argument: "", control: "/c", isJson: false, force: false,
    deadlineMs: undefined, watch: false, intervalMs: 1000,
  });
  t.match(parse("stop", "--force", "web", "--deadline-ms=0", "--json"), {
    verb: "stop", argument: "web", force: true, deadlineMs: 0, isJson: true,
  });
  t.match(parse("status", "--watch", "--interval-ms", "250"), { watch: true, intervalMs: 250 });
  t.match(parse("drain", "--wait"), { wait: true });
  t.equal(parse("--help"), null);
  t.equal(parse("stop", "-h"), null);
});

t.test("the socket may come from the server's own variable, the flag wins", async (t) => {
  const env = { MILLRACE_CONTROL: "/env" };
  t.match(parseControl(["status"], env), { control: "/env" });
  t.match(parseControl(["status", "--control", "/flag"], env), { control: "/flag" });
});

t.test("what is wrong is refused, with the name of what is", async (t) => {
  const refusals: [string[], RegExp][] = [
    [[], /needs to be told what to do/],
    [["stauts"], /cannot "stauts", did you mean status/],
    [["constructor"], /cannot "constructor"/],
    [["pause"], /pause needs <listener>/],
    [["status", "web"], /status takes no "web"/],
    [["stop", "one", "two"], /stop takes no "two"/],
    [["status", "--force"], /status takes no --force/],
    [["pause", "web", "--deadline-ms", "1"], /pause takes no --deadline-ms/],
    [["stop", "web", "--deadline-ms", "soon"], /--deadline-ms must be an integer/],
    [["stop", "web", "--deadline-ms"], /--deadline-ms needs a value/],
    [["stop", "web", "--force=yes"], /--force takes no value/],
    [["status", "--interval-ms", "1"], /--interval-ms must be an integer from 100/],
    [["status", "--jsno"], /unknown flag --jsno, did you mean --json/],
  ];
  for (const [argv, message] of refusals) t.throws(() => parse(...argv), { message });
  t.throws(() => parseControl(["status"], {}), { message: /--control is missing/ });
  t.throws(() => parseControl(["status", "--control", ""], {}), { message: /needs a value/ });
});
