// JSON5 to a tree. A text with mistakes gives a tree too, of all that could be read, and every mistake that is not a mere
// consequence of the one before. Never throws, always ends: every step takes a token or closes a bracket.
import { suggestion } from "../../base/nearest.ts";
import { limits } from "../../limits.ts";
import { Cursor } from "./cursor.ts";
import type { ArrayNode, Complaint, Node, ObjectNode, Span } from "./node.ts";
import { quoted, type Token } from "./scan.ts";

/** What a text is: its tree, its comments, and its mistakes in the order of the text. Without mistakes nothing is broken. */
export type Parsed = { root: Node; comments: readonly Span[]; complaints: Complaint[] };

/** Reads a whole text. */
export function parseJson5(text: string): Parsed {
  return new Parser(text).whole();
}

const literals = new Map<string, number | boolean | null>([
  ["true", true],
  ["false", false],
  ["null", null],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["NaN", Number.NaN],
]);

class Parser {
  private readonly cursor: Cursor;
  private readonly open: ("{" | "[")[] = [];
  /** Where a container was taken for closed without its bracket: there, a missing comma is no news. */
  private impliedAt = -1;

  constructor(text: string) {
    this.cursor = new Cursor(text);
  }

  whole(): Parsed {
    const root = this.value("the file is empty; it must hold an object: {}");
    if (this.cursor.token.kind !== "end") {
      this.trailing(root);
    }
    const sorted = this.cursor.complaints.sort((a, b) => a.start - b.start);
    // A second one of the same place is a consequence of the first.
    const complaints = sorted.filter(({ start }, index) => start !== sorted[index - 1]?.start);
    return { root, comments: this.cursor.comments, complaints };
  }

  /** What follows the outermost value: most likely it was closed too early, so its members are read all the same. */
  private trailing(root: Node): void {
    this.cursor.complain(this.cursor.token, `nothing may follow the outermost value, and here is ${this.cursor.here}`);
    if (root.kind !== "object") {
      return;
    }
    root.isDamaged = true;
    while (this.cursor.token.kind !== "end") {
      if (this.cursor.isKeyNext) {
        this.member(root);
      } else {
        this.cursor.take();
      }
    }
  }

  private value(missing: string): Node {
    const token = this.cursor.token;
    const { start, end } = token;
    switch (token.kind) {
      case "{":
      case "[":
        return this.open.length < limits.configDepthMax ? this.container(token.kind) : this.tooDeep();
      case "string":
      case "number":
        this.cursor.take();
        return token.value === undefined
          ? { kind: "broken", start, end }
          : { kind: "scalar", value: token.value, start, end };
      case "word":
        return this.literal();
      case "other":
        this.cursor.take();
        this.cursor.complain(token, `${this.cursor.nameOf(token)} cannot stand here; a value was expected`);
        return { kind: "broken", start, end };
      default:
        this.cursor.complain(token, missing);
        return { kind: "broken", start, end: start };
    }
  }

  private literal(): Node {
    const token = this.cursor.take();
    const { start, end } = token;
    const name = String(token.value ?? "");
    const value = literals.get(name);
    if (value !== undefined && this.cursor.textOf(token) === name) {
      return { kind: "scalar", value, start, end };
    }
    if (token.value !== undefined) {
      const near = suggestion(name, literals.keys()) || " Text needs quotes.";
      this.cursor.complain(token, `${quoted(name)} is not a value.${near}`);
    }
    return { kind: "broken", start, end };
  }

  private tooDeep(): Node {
    const { start } = this.cursor.token;
    this.cursor.complain(this.cursor.token, `nested more than ${limits.configDepthMax} deep`);
    let depth = 0;
    let end = start;
    do {
      const { kind, end: behind } = this.cursor.take();
      depth += kind === "{" || kind === "[" ? 1 : kind === "}" || kind === "]" ? -1 : 0;
      end = behind;
    } while (depth > 0 && this.cursor.token.kind !== "end");
    return { kind: "broken", start, end };
  }

  private container(bracket: "{" | "["): Node {
    const { start } = this.cursor.take();
    this.open.push(bracket);
    const node: ObjectNode | ArrayNode =
      bracket === "{"
        ? { kind: "object", members: [], isDamaged: false, start, end: start }
        : { kind: "array", items: [], isDamaged: false, start, end: start };
    const close = bracket === "{" ? "}" : "]";
    while (!this.isOver(node, close)) {
      const before = this.cursor.complaints.length;
      if (node.kind === "object") {
        this.member(node);
      } else {
        this.item(node);
      }
      node.isDamaged ||= this.cursor.complaints.length > before;
    }
    this.open.pop();
    return node;
  }

  /** True when the container has ended, by its bracket or by what shows that it is missing. */
  private isOver(node: ObjectNode | ArrayNode, close: "}" | "]"): boolean {
    const token = this.cursor.token;
    if (token.kind === close) {
      node.end = this.cursor.take().end;
      return true;
    }
    const isArray = close === "]";
    const isOthersEnd = token.kind === (isArray ? "}" : "]") && this.open.includes(isArray ? "{" : "[");
    const isOutside = isArray ? this.cursor.isKeyNext && this.open.includes("{") : this.isNextItem();
    if (token.kind !== "end" && !isOthersEnd && !isOutside) {
      return false;
    }
    if (token.kind === "end") {
      this.cursor.complain(
        { start: node.start, end: node.start + 1 },
        `this ${isArray ? "'['" : "'{'"} is never closed`,
      );
    } else {
      this.cursor.complain(token, `'${close}' is missing before ${this.cursor.here}`);
    }
    node.isDamaged = true;
    node.end = token.start;
    this.impliedAt = token.start;
    return true;
  }

  /** A brace where a key must be, in an object that is an item of a list: the next item, and this one was not closed. */
  private isNextItem(): boolean {
    return this.cursor.token.kind === "{" && this.open.at(-2) === "[";
  }

  private member(node: ObjectNode): void {
    const token = this.cursor.token;
    switch (token.kind) {
      case "string":
      case "word":
        this.memberNamed(node, this.cursor.take(), token.value);
        return;
      case "number":
        this.cursor.take();
        if (token.value !== undefined) {
          this.cursor.complain(token, `the key ${this.cursor.nameOf(token)} needs quotes`);
        }
        this.memberNamed(node, token, this.cursor.textOf(token));
        return;
      case ":":
      case "{":
      case "[":
        this.cursor.complain(token, `a key is missing before '${token.kind}'`);
        if (token.kind === ":") {
          this.cursor.take();
        }
        this.value("a value is missing after ':'");
        this.separate("}");
        return;
      default:
        this.cursor.take();
        this.cursor.complain(token, `a key was expected, not ${this.cursor.nameOf(token)}`);
        this.resume();
        return;
    }
  }

  private memberNamed(node: ObjectNode, token: Token, name: string | number | undefined): void {
    const key = { start: token.start, end: token.end };
    const isColon = this.cursor.token.kind === ":";
    if (isColon || this.cursor.textOf(this.cursor.token) === "=") {
      if (!isColon) {
        this.cursor.complain(this.cursor.token, `':' was expected after the key ${this.cursor.nameOf(key)}, not '='`);
      }
      this.cursor.take();
    } else {
      this.cursor.complain(this.cursor.token, `':' is missing after the key ${this.cursor.nameOf(key)}`);
    }
    const { start } = this.cursor.token;
    const missing = `a value is missing after the key ${this.cursor.nameOf(key)}`;
    const isNextKey = this.cursor.isKeyNext;
    if (isNextKey && isColon) {
      this.cursor.complain(this.cursor.token, missing);
    }
    const isBare = isNextKey || (!isColon && [",", "}", "]", "end"].includes(this.cursor.token.kind));
    const value: Node = isBare ? { kind: "broken", start, end: start } : this.value(missing);
    if (name !== undefined) {
      node.members.push({ name: String(name), key, value });
    }
    if (!isNextKey) {
      this.separate("}");
    }
  }

  private item(node: ArrayNode): void {
    const token = this.cursor.token;
    if (token.kind === "," || token.kind === ":" || token.kind === "}") {
      this.cursor.take();
      this.cursor.complain(token, `a value was expected, not '${token.kind}'`);
      return;
    }
    node.items.push(this.value("a value is missing"));
    this.separate("]");
  }

  /** What stands behind a member or an item: a comma, or the end of what it is in. */
  private separate(close: "}" | "]"): void {
    const token = this.cursor.token;
    if (token.kind === ",") {
      this.cursor.take();
    } else if (token.kind === "}" || token.kind === "]" || token.kind === "end") {
      // The container judges it.
    } else if (token.start === this.impliedAt) {
      // It was said what is missing here.
    } else if (close === "}" ? this.cursor.isKeyNext : this.isItemNext()) {
      this.cursor.complain(token, `',' is missing before ${this.cursor.here}`);
    } else if (this.cursor.textOf(token) === ";") {
      this.cursor.take();
      this.cursor.complain(token, "',' was expected, not ';'");
    } else if (close === "]" && this.cursor.isKeyNext) {
      // The list was not closed: said by its container.
    } else {
      this.cursor.complain(token, `',' or '${close}' was expected, not ${this.cursor.here}`);
      this.resume();
    }
  }

  private isItemNext(): boolean {
    return ["{", "[", "string", "number", "word"].includes(this.cursor.token.kind) && !this.cursor.isKeyNext;
  }

  /** Leaves out what cannot be understood, up to where a new member or item may begin. */
  private resume(): void {
    for (;;) {
      const { kind } = this.cursor.token;
      if (kind === "end" || kind === "}" || kind === "]" || this.cursor.isKeyNext) {
        return;
      }
      if (kind === "," || this.cursor.textOf(this.cursor.token) === ";") {
        this.cursor.take();
        return;
      }
      if (kind === "{" || kind === "[") {
        if (this.isNextItem()) {
          return;
        }
        this.value("");
      } else {
        this.cursor.take();
      }
    }
  }
}
