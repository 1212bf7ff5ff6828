// The tokens of a text, one after the other, with a look ahead; and what is complained about on the way.
import { limits } from "../../limits.ts";
import type { Complaint, Span } from "./node.ts";
import { quoted, Scanner, type Token } from "./scan.ts";

/** A place between two tokens. */
export class Cursor {
  readonly complaints: Complaint[] = [];
  private readonly scanner: Scanner;
  private readonly ahead: Token[] = [];

  constructor(text: string) {
    this.scanner = new Scanner(text, (complaint) => this.complain(complaint, complaint.message));
  }

  /** The token that is next. */
  get token(): Token {
    return this.peek(0);
  }

  /** The token so many behind the next. */
  peek(index: number): Token {
    while (this.ahead.length <= index) {
      this.ahead.push(this.scanner.next());
    }
    return this.ahead[index] as Token;
  }

  /** Goes on by one token, which it returns. */
  take(): Token {
    const token = this.token;
    this.ahead.shift();
    return token;
  }

  /** All comments up to here. */
  get comments(): readonly Span[] {
    return this.scanner.comments;
  }

  /** Notes what is wrong; beyond the bound it is not noted. */
  complain({ start, end }: Span, message: string): void {
    if (this.complaints.length < limits.configProblemsMax) {
      this.complaints.push({ start, end, message });
    }
  }

  /** What stands at `span`. */
  textOf({ start, end }: Span): string {
    return this.scanner.text.slice(start, end);
  }

  /** The same for a complaint. */
  nameOf(span: Span): string {
    return quoted(this.textOf(span));
  }

  /** The next token for a complaint. */
  get here(): string {
    return this.token.kind === "end" ? "the end of the file" : this.nameOf(this.token);
  }

  /** Whether a key with its colon is next. */
  get isKeyNext(): boolean {
    const { kind } = this.token;
    return (kind === "string" || kind === "word" || kind === "number") && this.peek(1).kind === ":";
  }
}
