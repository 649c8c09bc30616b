/**
 * The rows of an ordered table, found by the path: those that name one or its beginning through a
 * tree, so that a look-up does not walk the table, the others one by one. What they ask beside the
 * path and its extension is for the steps to find out, per request. Thread: the engine's.
 */
import type { OrderedFacts } from "../shared/conditions.ts";
import type { CompiledRoute, Gate, RouteMatch } from "./compiled-route.ts";
import { Conditions, isConditional, isForSome } from "./conditions.ts";
import { insert, makeNode, type Node, visit } from "./route-tree.ts";
import { decodeSegment, paramNames, parsePattern, type Segment } from "./route-pattern.ts";

export interface OrderedRoute extends CompiledRoute {
  readonly position: number;
  readonly facts: OrderedFacts;
  readonly gate: Gate | null;
  /** Null: it asks nothing that path and method do not say. */
  readonly conditions: Conditions | null;
  /** Path and method alone decide. */
  readonly isFixed: boolean;
  /**
   * Whoever asks for the path may be told which methods it takes: it is for all of them, and nobody
   * has to be let in first.
   */
  readonly tellsMethods: boolean;
}

export interface OrderedMatch extends RouteMatch {
  readonly route: OrderedRoute;
}

export class OrderedRoutes {
  readonly #tree: Node<OrderedRoute> = makeNode();
  readonly #expressions: { readonly regex: RegExp; readonly route: OrderedRoute }[] = [];

  add(route: OrderedRoute): void {
    const { place, text, flags } = route.facts;
    if (place === "regex") {
      this.#expressions.push({ regex: new RegExp(text, flags), route });
      return;
    }
    insert(this.#tree, segmentsOf(route.facts), route);
    if (place === "prefix" && !text.endsWith("/")) insert(this.#tree, parsePattern(text), route);
  }

  /** Those that the path leads to, in the order of the table. */
  match(pathname: string): OrderedMatch[] {
    const segments = pathname.slice(1).split("/").map(decodeSegment);
    const found: OrderedMatch[] = [];
    visit(this.#tree, segments, (route, values) => {
      // A prefix that is the whole path has nothing behind it.
      const missing = route.paramNames.length - values.length;
      found.push({ route, values: missing > 0 ? [...values, ""] : values });
    });
    const path = `/${segments.join("/")}`;
    for (const { regex, route } of this.#expressions) {
      const groups = regex.exec(path);
      if (groups !== null) found.push({ route, values: valuesOf(route.paramNames, groups) });
    }
    const extension = extensionOf(segments.at(-1)!);
    return found
      .filter(({ route: { facts } }) => (
        facts.extensions.length === 0 || facts.extensions.includes(extension)
      ))
      .toSorted((one, other) => one.route.position - other.route.position);
  }
}

/** Made ready, but for the place of its handler. Throws what is wrong with its path. */
export function orderedRoute(
  compiled: CompiledRoute,
  facts: OrderedFacts,
  gate: Gate | null,
  position: number,
): OrderedRoute {
  const conditions = isConditional(facts) ? new Conditions(facts) : null;
  const isFixed = conditions === null && gate === null;
  const tellsMethods = gate === null && !isForSome(facts);
  const decided = { conditions, isFixed, tellsMethods };
  return { ...compiled, paramNames: namesOf(facts), position, facts, gate, ...decided };
}

/** The names of what a match gives to the handler. Throws ERR_MILLRACE_ROUTE_INVALID. */
function namesOf(facts: OrderedFacts): string[] {
  if (facts.place !== "regex") return paramNames(segmentsOf(facts));
  // An alternative that is empty always matches, and shows which groups there are.
  const empty = new RegExp(`${facts.text}|`, facts.flags).exec("")!;
  const numbers = Array.from({ length: empty.length - 1 }, (_, at) => String(at + 1));
  return [...numbers, ...Object.keys(empty.groups ?? {})];
}

/** Of a prefix, those with what is below it. */
function segmentsOf({ place, text }: OrderedFacts): Segment[] {
  if (place === "path") return parsePattern(text);
  const segments = parsePattern(text);
  return [...(text.endsWith("/") ? segments.slice(0, -1) : segments), { kind: "rest" }];
}

function valuesOf(names: readonly string[], groups: RegExpExecArray): string[] {
  return names.map((name) => (groups.groups?.[name] ?? groups[Number(name)]) ?? "");
}

function extensionOf(segment: string): string {
  const dot = segment.lastIndexOf(".");
  return dot < 0 ? "" : segment.slice(dot + 1).toLowerCase();
}
