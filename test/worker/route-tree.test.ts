/** The tree of patterns: what is found, in which order, and that other patterns cost nothing. */
import t from "tap";
import { parsePattern } from "../../src/worker/route-pattern.ts";
import { insert, makeNode, type Node, visit } from "../../src/worker/route-tree.ts";

function treeOf(...patterns: string[]): Node<string> {
  const root = makeNode<string>();
  for (const pattern of patterns) insert(root, parsePattern(pattern), pattern);
  return root;
}

function found(root: Node<string>, ...segments: string[]): string[] {
  const all: string[] = [];
  visit(root, segments, (pattern, values) => all.push([pattern, ...values].join(" ")));
  return all;
}

t.test("exact before parameter before wildcard", async (t) => {
  const root = treeOf("/*", "/:a/b", "/x/:b", "/x/b", "/x/*");
  t.strictSame(found(root, "x", "b"), ["/x/b", "/x/:b b", "/x/* b", "/:a/b x", "/* x/b"]);
  t.strictSame(found(root, "x"), ["/* x"], "a wildcard needs a slash before it");
  t.strictSame(found(root, "x", ""), ["/x/* ", "/* x/"], "a parameter is never empty");
});

t.test("values belong to one way through the tree", async (t) => {
  const root = treeOf("/:a/:b/c", "/:a/x/:d");
  t.strictSame(found(root, "1", "x", "c"), ["/:a/x/:d 1 c", "/:a/:b/c 1 x"]);
});

t.test("a look-up enters the nodes of its path alone", async (t) => {
  const root = treeOf(...Array.from({ length: 1000 }, (_, at) => `/r${at}/a`));
  let entered = 0;
  for (const [name, node] of root.exact) {
    const { exact } = node;
    Object.defineProperty(node, "exact", { get: () => (entered++, exact) });
    t.ok(name);
  }
  t.strictSame(found(root, "r999", "a"), ["/r999/a"]);
  t.equal(entered, 1);
});
