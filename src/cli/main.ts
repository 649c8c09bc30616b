#!/usr/bin/env node
/** The entry of the command `millrace`. Runs in the primary thread, which it ends. */
import { run } from "./run.ts";

// By exit, not by running dry: a handle that an app's loader left open must not keep a stopped
// server alive.
process.exit(await run(process.argv.slice(2)));
