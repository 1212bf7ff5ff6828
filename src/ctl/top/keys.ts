// What a terminal sends when keys are pressed: xterm's sequences, as every terminal of today speaks them.

/** A key by name, or the character it types. */
export type Key =
  | "up"
  | "down"
  | "pageUp"
  | "pageDown"
  | "enter"
  | "escape"
  | "backspace"
  | "interrupt"
  | { text: string };

const sequences: readonly (readonly [string, Key])[] = [
  ["\u001b[A", "up"],
  ["\u001b[B", "down"],
  ["\u001bOA", "up"],
  ["\u001bOB", "down"],
  ["\u001b[5~", "pageUp"],
  ["\u001b[6~", "pageDown"],
  ["\r", "enter"],
  ["\n", "enter"],
  ["\u007f", "backspace"],
  ["\b", "backspace"],
  ["\u0003", "interrupt"],
  ["\u0004", "interrupt"],
];

/** The keys of one read, in order; sequences that mean nothing here are passed over. */
export function keysOf(input: string): Key[] {
  const keys: Key[] = [];
  for (let rest = input; rest !== ""; ) {
    const known = sequences.find(([sequence]) => rest.startsWith(sequence));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: an escape sequence begins with one
    const unknown = /^\u001b[[O][0-9;]*[ -~]/.exec(rest)?.[0];
    if (known !== undefined) {
      keys.push(known[1]);
      rest = rest.slice(known[0].length);
    } else if (unknown !== undefined) {
      rest = rest.slice(unknown.length);
    } else {
      const [character = ""] = rest;
      if (character === "\u001b") {
        keys.push("escape");
      } else if (character >= " ") {
        keys.push({ text: character });
      }
      rest = rest.slice(character.length);
    }
  }
  return keys;
}
