// Whole numbers in buckets whose width is an eighth of a power of two: a count at 12.5 % resolution, in fixed memory.

const bits = 3;
const perPower = 1 << bits;
/** Half a minute in microseconds. */
const powerMax = 25;
/** What is as large or larger counts in the last bucket. */
export const countedMax = 2 ** powerMax;

/** How many buckets there are. */
export const bucketCount = (powerMax - bits + 1) * perPower;

/** The bucket of `value`, which is a finite number; below 1 it is the first, fractions are cut off. */
export function bucketOf(value: number): number {
  if (value < perPower) {
    return value > 0 ? value | 0 : 0;
  }
  if (value >= countedMax) {
    return bucketCount - 1;
  }
  const shift = 31 - Math.clz32(value) - bits;
  return (shift + 1) * perPower + ((value >>> shift) & (perPower - 1));
}

/** The first value above a bucket. */
export function bucketEnd(bucket: number): number {
  const power = Math.floor(bucket / perPower);
  return power === 0 ? bucket + 1 : (perPower + (bucket % perPower) + 1) * 2 ** (power - 1);
}

/** The value that `share` (0 to 1) of what was counted does not reach: the end of its bucket; 0 when nothing was counted. */
export function shareOf(buckets: Float64Array, share: number): number {
  const wanted = buckets.reduce((sum, each) => sum + each, 0) * share;
  let seen = 0;
  for (const [bucket, count] of buckets.entries()) {
    seen += count;
    if (count > 0 && seen >= wanted) {
      return bucketEnd(bucket);
    }
  }
  return 0;
}
