/** The process behind autocannon.mjs: takes its options as JSON, prints one line of JSON. */
import autocannon from "autocannon";

const { requests, bodies, url, ...options } = JSON.parse(process.argv[2]);
let mismatches = 0;

/** autocannon takes one expected body or several requests, not both: several compare their own. */
function comparing(request, body) {
  const onResponse = (_status, got) => {
    if (got !== body) mismatches++;
  };
  return { ...request, onResponse };
}

/** One request goes without `requests`, which is cheaper for autocannon and counts mismatches. */
function load() {
  if (requests.length > 1) {
    return { url, requests: requests.map((request, index) => comparing(request, bodies[index])) };
  }
  const [{ path, ...request }] = requests;
  return { url: url + path, expectBody: bodies[0], ...request };
}

const result = await autocannon({ ...options, ...load() });
const line = {
  requests: result["2xx"],
  durationUs: result.duration * 1e6,
  bytes: result.throughput.total,
  p50Us: result.latency.p50 * 1000,
  p99Us: result.latency.p99 * 1000,
  maxUs: result.latency.max * 1000,
  connectErrors: result.errors - result.timeouts,
  statusErrors: result.non2xx,
  timeouts: result.timeouts,
  mismatches: mismatches + result.mismatches,
  resets: result.resets,
};
process.stdout.write(`@@${JSON.stringify(line)}\n`);
