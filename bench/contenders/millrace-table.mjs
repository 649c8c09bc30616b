/** Millrace with an ordered table of 1,000 rows, and with one of one row: against each other. */
import millrace from "./millrace.mjs";
import { benchFile } from "./paths.mjs";

function withTable(name, title, size) {
  return {
    ...millrace,
    name,
    title,
    scenarios: ["table"],
    command(port, directory) {
      const { file, args } = millrace.command(port, directory);
      const app = benchFile("apps/millrace.mjs");
      const own = args.map((each) => (each === app ? benchFile("apps/table.mjs") : each));
      return { file, args: own, env: { BENCH_TABLE: size } };
    },
  };
}

export const tableOfOne = withTable("millrace-row", "Millrace, a table of one row", "one");
export const tableOfMany = withTable("millrace-table", "Millrace, a table of 1,000 rows", "many");
