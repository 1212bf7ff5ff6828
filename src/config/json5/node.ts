// A JSON5 text as a tree that remembers where everything stands. Comments and white space are what lies between the spans:
// whoever edits the text changes spans and leaves the rest as it is.

/** From the first character to behind the last, in UTF-16 units of the text. */
export type Span = { start: number; end: number };

/** Something wrong at a span; the message stands by itself. */
export type Complaint = Span & { message: string };

/** One `key: value`. `name` is decoded. */
export type Member = { name: string; key: Span; value: Node };

/** A value and where it stands. `broken`: something stood there that is no value; complaints about it are made already. */
export type Node = Span &
  (
    | { kind: "scalar"; value: string | number | boolean | null }
    | { kind: "array"; items: Node[]; isDamaged: boolean }
    | { kind: "object"; members: Member[]; isDamaged: boolean }
    | { kind: "broken" }
  );

/** The object among the nodes. `isDamaged`: part of it could not be read, so what seems to be missing may be there. */
export type ObjectNode = Extract<Node, { kind: "object" }>;
/** The list among the nodes; `isDamaged` as above. */
export type ArrayNode = Extract<Node, { kind: "array" }>;

/** The JavaScript value, as `JSON5.parse` would give it: of two members of one name the last counts. Broken is undefined. */
export function meaningOf(node: Node): unknown {
  switch (node.kind) {
    case "scalar":
      return node.value;
    case "array":
      return node.items.map(meaningOf);
    case "object": {
      const value: Record<string, unknown> = {};
      for (const member of node.members) {
        // Not by assignment: `__proto__` is a key like any other.
        Object.defineProperty(value, member.name, {
          value: meaningOf(member.value),
          enumerable: true,
          writable: true,
          configurable: true,
        });
      }
      return value;
    }
    case "broken":
      return undefined;
  }
}

/** The member called `name` that counts. */
export function memberOf(node: Node | undefined, name: PropertyKey): Member | undefined {
  return node?.kind === "object" ? node.members.findLast((member) => member.name === name) : undefined;
}

/** Where a path of keys and indices leads: the node, its key where it has one, or the last node on the way to what is missing. */
export type Found = { node: Node; key?: Span; isMissing: boolean };

/** Follows `path` from `root` as far as it goes. */
export function follow(root: Node, path: readonly PropertyKey[]): Found {
  let found: Found = { node: root, isMissing: false };
  for (const part of path) {
    const { node } = found;
    const member = memberOf(node, part);
    const item = node.kind === "array" && typeof part === "number" ? node.items[part] : undefined;
    if (member !== undefined) {
      found = { node: member.value, key: member.key, isMissing: false };
    } else if (item !== undefined) {
      found = { node: item, isMissing: false };
    } else {
      return { node, isMissing: true };
    }
  }
  return found;
}
