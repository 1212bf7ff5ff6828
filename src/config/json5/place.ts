// From an offset to what a person and an editor call the place: line and column.

/** Both from 1; a column is a character (code point), a tab too. */
export type Place = { line: number; column: number };

/** The lines of one text. */
export class Places {
  private readonly text: string;
  private readonly starts: number[] = [0];
  /** The last answer: in a text of one long line, the next place is counted from there. */
  private last = { index: 0, offset: 0, column: 1 };

  constructor(text: string) {
    this.text = text;
    for (const { index, 0: end } of text.matchAll(/\r\n|[\n\r]/g)) {
      this.starts.push(index + end.length);
    }
  }

  /** Where the character at `offset` stands; the end of the text has a place too. */
  at(offset: number): Place {
    const index = this.lineIndex(offset);
    const { last } = this;
    const isAhead = last.index === index && last.offset <= offset;
    const from = isAhead ? last.offset : (this.starts[index] ?? 0);
    const column = (isAhead ? last.column : 1) + charactersIn(this.text.slice(from, offset));
    this.last = { index, offset, column };
    return { line: index + 1, column };
  }

  /** The text of a line, counted from 1, without its end. */
  line(number: number): string {
    return this.text.slice(this.starts[number - 1] ?? 0, this.starts[number]).replace(/[\r\n]+$/, "");
  }

  private lineIndex(offset: number): number {
    let [low, high] = [0, this.starts.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((this.starts[middle] ?? 0) <= offset) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return low;
  }
}

/** Code points; a pair of surrogates is one. */
function charactersIn(text: string): number {
  return text.length - (text.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0);
}
