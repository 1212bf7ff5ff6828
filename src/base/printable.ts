// Text from outside on its way to a terminal or into a line of the log.

/** `text` with control characters, bidirectional overrides and lone surrogates as `\u001b`: it cannot move a cursor or break a line. */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
