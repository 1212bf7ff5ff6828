// Long texts in lines that a terminal shows whole.

/** Breaks a paragraph into lines of at most `columns` characters. */
export function fold(text: string, columns: number): string {
  return packed(text.split(" "), columns).join("\n");
}

/** Breaks a shell's command line before an option or a pipe, so that it can be typed as it stands; what is in single quotes stays whole. */
export function foldCommand(text: string, columns: number): string[] {
  if (text.length <= columns) {
    return [text];
  }
  const words = text.match(/(?:'[^']*'|[^ '])+/g) ?? [];
  const units: string[] = [];
  for (const word of words) {
    const last = units.at(-1);
    if (last === undefined || word.startsWith("--") || word === "|") {
      units.push(word);
    } else {
      units[units.length - 1] = `${last} ${word}`;
    }
  }
  // Room for the backslash, and for what a line that goes on is set in by.
  const lines = packed(units, columns - continued.length - indent.length);
  return lines.map((each, at) => `${at === 0 ? "" : indent}${each}${at < lines.length - 1 ? continued : ""}`);
}

const continued = " \\";
const indent = "    ";

function packed(units: readonly string[], columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const unit of units) {
    if (line !== "" && line.length + 1 + unit.length > columns) {
      lines.push(line);
      line = "";
    }
    line = line === "" ? unit : `${line} ${unit}`;
  }
  return [...lines, line];
}
