/** Test of the version. */
import { readFileSync } from "node:fs";
import t from "tap";
import { packageVersion } from "../../src/shared/version.ts";
import { repositoryFile } from "../support/environment.ts";

t.test("the version is that of package.json", async (t) => {
  const { version } = JSON.parse(readFileSync(repositoryFile("package.json"), "utf8")) as {
    version: string;
  };
  t.equal(packageVersion(), version);
});
