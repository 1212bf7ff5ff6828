// Sets of numbers as sorted ranges, and their honest coarsening when there is room for fewer ranges than needed.

/** All numbers from `first` to `last`, both included. */
export type Range = { first: number; last: number };

/** The fewest ranges that hold exactly what `parts` hold, ascending. */
export function rangesOf(parts: Iterable<Range>): Range[] {
  const ranges: Range[] = [];
  let open: Range | undefined;
  for (const { first, last } of [...parts].sort((a, b) => a.first - b.first)) {
    if (open !== undefined && first <= open.last + 1) {
      open.last = Math.max(open.last, last);
    } else {
      open = { first, last };
      ranges.push(open);
    }
  }
  return ranges;
}

/** At most `rangesMax` (1 or more) ranges that hold all of `ranges`: the smallest gaps between them are filled first. */
export function coarsened(ranges: readonly Range[], rangesMax: number): Range[] {
  if (ranges.length <= rangesMax) {
    return [...ranges];
  }
  const gaps = ranges.slice(1).map((range, at) => ({ at: at + 1, size: range.first - (ranges[at]?.last ?? 0) }));
  const kept = new Set(
    gaps
      .sort((a, b) => b.size - a.size || a.at - b.at)
      .slice(0, rangesMax - 1)
      .map(({ at }) => at),
  );
  const merged: Range[] = [];
  for (const [at, range] of ranges.entries()) {
    const open = merged.at(-1);
    if (open === undefined || kept.has(at)) {
      merged.push({ ...range });
    } else {
      open.last = range.last;
    }
  }
  return merged;
}

/** How many numbers the ranges hold. */
export function rangesSize(ranges: readonly Range[]): number {
  return ranges.reduce((size, { first, last }) => size + last - first + 1, 0);
}
