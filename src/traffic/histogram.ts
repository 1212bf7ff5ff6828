// Times in buckets whose width is below 1 % of the value: 128 to each power of two, as HdrHistogram has them. Fixed memory.

const bucketBits = 7;
const perPower = 1 << bucketBits;
/** Up to 2^39 ns, nine minutes; longer counts as that, and shows as the exact maximum. */
const powerMax = 39;
const bucketCount = (powerMax - bucketBits + 1) * perPower;

/** Counts values in nanoseconds, and finds percentiles of them within 1 %. */
export class Histogram {
  count = 0;
  /** Values below zero: the clocks of two machines differ. They count in the lowest bucket. */
  negative = 0;
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;
  private readonly buckets = new Float64Array(bucketCount);

  /** Takes one value in nanoseconds. */
  add(ns: number): void {
    this.count++;
    if (ns < this.min) {
      this.min = ns;
    }
    if (ns > this.max) {
      this.max = ns;
    }
    if (ns < 0) {
      this.negative++;
    }
    const bucket = bucketOf(ns);
    this.buckets[bucket] = (this.buckets[bucket] ?? 0) + 1;
  }

  /** Adds all of `other`. */
  merge(other: Histogram): void {
    this.count += other.count;
    this.negative += other.negative;
    this.min = Math.min(this.min, other.min);
    this.max = Math.max(this.max, other.max);
    for (const [bucket, count] of other.buckets.entries()) {
      this.buckets[bucket] = (this.buckets[bucket] ?? 0) + count;
    }
  }

  /** The value that `share` (0 to 1) of all values do not exceed, within 1 %; undefined when there are none. */
  percentile(share: number): number | undefined {
    if (this.count === 0) {
      return undefined;
    }
    const wanted = Math.max(1, Math.ceil(share * this.count));
    let seen = 0;
    for (const [bucket, count] of this.buckets.entries()) {
      seen += count;
      if (seen >= wanted) {
        return Math.min(Math.max(upperOf(bucket), this.min), this.max);
      }
    }
    return this.max;
  }
}

function bucketOf(ns: number): number {
  if (ns < perPower) {
    return ns > 0 ? Math.floor(ns) : 0;
  }
  if (ns >= 2 ** powerMax) {
    return bucketCount - 1;
  }
  // clz32 knows 32 bits; what is longer loses its low byte first, which is below the resolution.
  const isLong = ns >= 2 ** 31;
  const shortened = Math.floor(isLong ? ns / 256 : ns);
  const shift = 31 - Math.clz32(shortened) - bucketBits;
  return (shift + (isLong ? 8 : 0)) * perPower + (shortened >>> shift);
}

/** The highest value of a bucket. */
function upperOf(bucket: number): number {
  if (bucket < 2 * perPower) {
    return bucket;
  }
  const shift = Math.floor(bucket / perPower) - 1;
  const mantissa = bucket - shift * perPower;
  return (mantissa + 1) * 2 ** shift - 1;
}
