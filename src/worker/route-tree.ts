/**
 * Patterns as a tree of segments: what a look-up costs depends on the path and on how many patterns
 * match it, not on how many there are. Any thread.
 */
import type { Segment } from "./route-pattern.ts";

export interface Node<T> {
  readonly exact: Map<string, Node<T>>;
  param: Node<T> | null;
  /** What ends here. Several, if they differ in the names of parameters only. */
  readonly routes: T[];
  /** With a wildcard after this node. */
  readonly rest: T[];
}

export function makeNode<T>(): Node<T> {
  return { exact: new Map(), param: null, routes: [], rest: [] };
}

export function insert<T>(root: Node<T>, segments: readonly Segment[], route: T): void {
  let node = root;
  for (const segment of segments) {
    if (segment.kind === "rest") {
      node.rest.push(route);
      return;
    }
    node = segment.kind === "param" ? (node.param ??= makeNode()) : exactChild(node, segment.text);
  }
  node.routes.push(route);
}

function exactChild<T>(node: Node<T>, text: string): Node<T> {
  let child = node.exact.get(text);
  if (child === undefined) node.exact.set(text, (child = makeNode()));
  return child;
}

/**
 * All that match, the most specific first: exact, parameter, wildcard, segment by segment. The
 * values are those of the parameters, and of the wildcard what it stands for.
 */
export function visit<T>(
  root: Node<T>,
  segments: readonly string[],
  found: (route: T, values: string[]) => void,
): void {
  // Each node is visited at most once: there is one way to it from the root.
  const look = (node: Node<T>, at: number, values: string[]): void => {
    if (at === segments.length) {
      for (const route of node.routes) found(route, [...values]);
      return;
    }
    const segment = segments[at]!;
    const exact = node.exact.get(segment);
    if (exact !== undefined) look(exact, at + 1, values);
    if (node.param !== null && segment !== "") look(node.param, at + 1, [...values, segment]);
    if (node.rest.length === 0) return;
    const rest = segments.slice(at).join("/");
    for (const route of node.rest) found(route, [...values, rest]);
  };
  look(root, 0, []);
}
