// Whether a row of measurements grows. Pure.

/** Least squares over equally spaced values: the growth from one to the next. NaN for fewer than two. */
export function slope(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, each) => sum + each, 0) / values.length;
  const across = values.reduce((sum, each, at) => sum + (at - middle) * (each - mean), 0);
  const along = values.reduce((sum, _, at) => sum + (at - middle) ** 2, 0);
  return along === 0 ? Number.NaN : across / along;
}

/** The standard error of that growth: how much of it the values' own shaking explains. NaN for fewer than three. */
export function slopeError(values: readonly number[]): number {
  const [grows, middle] = [slope(values), (values.length - 1) / 2];
  const mean = values.reduce((sum, each) => sum + each, 0) / values.length;
  const off = values.reduce((sum, each, at) => sum + (each - mean - grows * (at - middle)) ** 2, 0);
  const along = values.reduce((sum, _, at) => sum + (at - middle) ** 2, 0);
  return values.length < 3 ? Number.NaN : Math.sqrt(off / (values.length - 2) / along);
}

/** A column that must not grow, and by how much a minute it may all the same. */
export type Bound = { column: string; values: readonly number[]; perMinuteMax: number };

/**
 * What grows by more than it may and by more than its shaking explains (two standard errors), in words. Fewer than `valuesMin`
 * values, three at least, say nothing about a slope: then nothing is said.
 */
export function growths(bounds: readonly Bound[], valuesMin: number): string[] {
  return bounds.flatMap(({ column, values, perMinuteMax }) => {
    const grows = slope(values);
    if (values.length < Math.max(3, valuesMin) || grows - 2 * slopeError(values) <= perMinuteMax) return [];
    return [
      `${column} grows by ${grows.toPrecision(3)} a minute over ${values.length} minutes, at most ${perMinuteMax}`,
    ];
  });
}
