// Whether a row of measurements grows. Pure.

/** Least squares over equally spaced values: the growth from one to the next. NaN for fewer than two. */
export function slope(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, each) => sum + each, 0) / values.length;
  const across = values.reduce((sum, each, at) => sum + (at - middle) * (each - mean), 0);
  const along = values.reduce((sum, _, at) => sum + (at - middle) ** 2, 0);
  return along === 0 ? Number.NaN : across / along;
}

/** A column that must not grow, and by how much a minute it may all the same. */
export type Bound = { column: string; values: readonly number[]; perMinuteMax: number };

/** What grows by more than it may, in words. Fewer than `valuesMin` values say nothing about a slope: then nothing is said. */
export function growths(bounds: readonly Bound[], valuesMin: number): string[] {
  return bounds.flatMap(({ column, values, perMinuteMax }) => {
    const grows = slope(values);
    if (values.length < valuesMin || grows <= perMinuteMax) return [];
    return [
      `${column} grows by ${grows.toPrecision(3)} a minute over ${values.length} minutes, at most ${perMinuteMax}`,
    ];
  });
}
