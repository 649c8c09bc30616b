/**
 * Named values of an event, as properties of one object: names are found whatever their case and
 * listed as they were first spelled. Single-valued, where several values are joined, or
 * multi-valued, where each is an array. Any thread.
 */

/** `properties`: one value a name, joined if there are several; `attributes`: arrays. */
export type ValuesAs = "properties" | "attributes";

interface Entry {
  readonly name: string;
  readonly values: unknown[];
  readonly separator: string;
  /** It was put as one array. */
  readonly isList: boolean;
}

export class EventBag {
  readonly #entries = new Map<string, Entry>();
  readonly #valuesAs: ValuesAs;

  constructor(valuesAs: ValuesAs) {
    this.#valuesAs = valuesAs;
  }

  /** One more value of the name. `separator`: between several as one property. */
  add(name: string, value: unknown, separator: string = ", "): void {
    const entry = this.#entries.get(name.toLowerCase());
    if (entry !== undefined) entry.values.push(value);
    else this.#entries.set(name.toLowerCase(), { name, values: [value], separator, isList: false });
  }

  /** In the place of whatever the name has; `undefined` removes it. */
  put(name: string, value: unknown): void {
    const lower = name.toLowerCase();
    this.#entries.delete(lower);
    if (value === undefined) return;
    const isList = Array.isArray(value);
    const values = isList ? [...(value as unknown[])] : [value];
    this.#entries.set(lower, { name, values, separator: ", ", isList });
  }

  has(name: string): boolean {
    return this.#entries.has(name.toLowerCase());
  }

  /** As the bag is read: one value or an array; `undefined` if there is none. */
  get(name: string): unknown {
    const entry = this.#entries.get(name.toLowerCase());
    if (entry === undefined) return undefined;
    const { values, separator } = entry;
    if (this.#valuesAs === "attributes") return [...values];
    return values.length === 1 ? values[0] : values.map(String).join(separator);
  }

  /** Where only one counts: the first, or the array that was put as a property. */
  one(name: string): unknown {
    const entry = this.#entries.get(name.toLowerCase());
    const isProperty = entry?.isList === true && this.#valuesAs === "properties";
    return isProperty ? [...entry.values] : entry?.values[0];
  }

  /** All values of the name. */
  all(name: string): readonly unknown[] {
    return this.#entries.get(name.toLowerCase())?.values ?? [];
  }

  *[Symbol.iterator](): Generator<[name: string, values: readonly unknown[]]> {
    for (const { name, values } of this.#entries.values()) yield [name, values];
  }

  get names(): string[] {
    return [...this.#entries.values()].map(({ name }) => name);
  }
}

/** The bag as an object: reading, writing, `in`, `delete` and the names go to it. */
export function asObject(bag: EventBag): Record<string, unknown> {
  return new Proxy<Record<string, unknown>>(Object.create(null) as Record<string, unknown>, {
    get: (_, name) => (typeof name === "string" ? bag.get(name) : undefined),
    set: (_, name, value) => {
      if (typeof name === "string") bag.put(name, value);
      return typeof name === "string";
    },
    has: (_, name) => typeof name === "string" && bag.has(name),
    deleteProperty: (_, name) => {
      if (typeof name === "string") bag.put(name, undefined);
      return true;
    },
    ownKeys: () => bag.names,
    getOwnPropertyDescriptor: (_, name) => {
      if (typeof name !== "string" || !bag.has(name)) return undefined;
      return { value: bag.get(name), writable: true, enumerable: true, configurable: true };
    },
  });
}
