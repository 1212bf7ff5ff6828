// "Did you mean …?": which known word somebody was probably reaching for.

/** Edit distance (insert, delete, replace), computed row by row; O(length of a × length of b). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** Longer words than this are no slip of the finger, and would cost time. */
const wordLengthMax = 40;

/** The known word nearest to `word`, or undefined when none is near enough to be a typing error. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  if (word.length > wordLengthMax) {
    return undefined;
  }
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    // A part of a word is meant for the whole, its beginning most of all.
    const at = word.length >= 3 ? candidate.toLowerCase().indexOf(word.toLowerCase()) : -1;
    const far = at >= 0 ? (at === 0 ? 1 : 2) : distance(word.toLowerCase(), candidate.toLowerCase());
    if (far < bestDistance && far < candidate.length) {
      best = candidate;
      bestDistance = far;
    }
  }
  return best;
}

/** ` Did you mean 'x'?` with its leading space, or nothing. */
export function suggestion(word: string, known: Iterable<string>): string {
  const found = nearest(word, known);
  return found === undefined ? "" : ` Did you mean '${found}'?`;
}
