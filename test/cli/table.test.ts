/** Tests of columns of text. */
import t from "tap";
import { tableText } from "../../src/cli/table.ts";

t.test("columns are as wide as their widest cell, and nothing trails", async (t) => {
  const lines = [["a", "bb", "c"], ["long", "1", ""], ["x"]];
  t.equal(tableText(lines), "a     bb  c\nlong  1\nx\n");
  t.equal(tableText(lines, new Set([1])), "a     bb  c\nlong   1\nx\n");
  t.equal(tableText([]), "");
});
