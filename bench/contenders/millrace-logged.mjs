/** Millrace with its access log on, Combined, to a file: against itself without one. */
import { join } from "node:path";
import millrace from "./millrace.mjs";

export default {
  ...millrace,
  name: "millrace-logged",
  title: "Millrace, access log on",
  scenarios: ["access-log"],
  command(port, directory) {
    const { file, args } = millrace.command(port, directory);
    return { file, args: [...args, "--access-log", join(directory, "access.log")] };
  },
};
