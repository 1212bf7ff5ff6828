// How much a JSON value holds.

/** Whether `value` holds more than `countMax` strings, numbers, lists and objects, itself included; looks at no more than that. */
export function holdsMoreThan(value: unknown, countMax: number): boolean {
  const waiting: unknown[] = [value];
  for (let count = 0; waiting.length > 0; count++) {
    const next = waiting.pop();
    const inside = typeof next === "object" && next !== null ? Object.values(next) : [];
    if (count + waiting.length + inside.length > countMax) {
      return true;
    }
    waiting.push(...inside);
  }
  return false;
}
