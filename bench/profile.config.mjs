/**
 * Millrace's configuration under Clinic (`--config`). Clinic injects its samplers through
 * NODE_OPTIONS, which worker threads inherit: samples of several threads then mix in one file, and
 * the heap profiler crashes. So the workers get neither its options nor its flags.
 */
export default {
  env: { ...process.env, NODE_OPTIONS: "" },
  execArgv: [],
};
