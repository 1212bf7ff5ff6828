// Numbers as operators write them: 20000, 20k, 1.5M; sizes as one number or a range.

const scales: Readonly<Record<string, number>> = { "": 1, k: 1e3, m: 1e6, g: 1e9 };

/** A number from 0 up with an optional k, M or G (decimal), or undefined. */
export function parseQuantity(text: string): number | undefined {
  const match = /^(\d{1,15}(?:\.\d{1,9})?)([kmg]?)$/i.exec(text);
  const scale = scales[match?.[2]?.toLowerCase() ?? ""];
  return match === null || scale === undefined ? undefined : Number(match[1]) * scale;
}

/** As parseQuantity, whole numbers from `low` to `high` only. */
export function parseWhole(text: string, low: number, high: number): number | undefined {
  const value = parseQuantity(text);
  return value !== undefined && Number.isInteger(value) && value >= low && value <= high ? value : undefined;
}

/** Sizes in bytes, both included. */
export type SizeRange = { low: number; high: number };

/** `1400` or `0-1472`, no size above `max`; undefined when it is neither. */
export function parseSizes(text: string, max: number): SizeRange | undefined {
  const match = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(text);
  if (match === null) {
    return undefined;
  }
  const low = Number(match[1]);
  const high = Number(match[2] ?? match[1]);
  return low <= high && high <= max ? { low, high } : undefined;
}
