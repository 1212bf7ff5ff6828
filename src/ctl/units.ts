// Numbers for people: thousands separators, binary units for memory and data, decimal units for bit rates.

const grouped = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** `1,234,567` */
export function count(value: number): string {
  return grouped.format(value);
}

/** `20,000/s`; below ten a decimal tells silence from a trickle. */
export function rate(perSecond: number): string {
  return perSecond > 0 && perSecond < 10 ? `${perSecond.toFixed(1)}/s` : `${grouped.format(perSecond)}/s`;
}

function scaled(value: number, step: number, units: readonly string[]): string {
  let index = 0;
  // 999.95 would print as 1000.0: round up into the next unit first.
  while (Math.abs(value) >= step - 0.05 && index < units.length - 1) {
    value /= step;
    index++;
  }
  return `${index === 0 ? grouped.format(value) : value.toFixed(1)} ${units[index] ?? ""}`;
}

/** `1.5 GiB` */
export function bytes(value: number): string {
  return scaled(value, 1024, ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]);
}

/** `224.0 Mb/s` */
export function bits(perSecond: number): string {
  return scaled(perSecond, 1000, ["b/s", "kb/s", "Mb/s", "Gb/s", "Tb/s"]);
}

/** `3 d 4 h`, `4 h 5 min`, `5 min 6 s`, `6 s` */
export function duration(seconds: number): string {
  const whole = Math.floor(seconds);
  const parts: [number, string][] = [
    [Math.floor(whole / 86_400), "d"],
    [Math.floor(whole / 3_600) % 24, "h"],
    [Math.floor(whole / 60) % 60, "min"],
    [whole % 60, "s"],
  ];
  const first = parts.findIndex(([value]) => value > 0);
  const shown = first < 0 ? parts.slice(3) : parts.slice(first, first + 2);
  return shown.map(([value, unit]) => `${value} ${unit}`).join(" ");
}

/** `12 µs`, `1.5 ms`, `2.0 s` */
export function micros(us: number): string {
  return us < 1_000
    ? `${us.toFixed(0)} µs`
    : us < 1_000_000
      ? `${(us / 1_000).toFixed(1)} ms`
      : `${(us / 1_000_000).toFixed(1)} s`;
}

/** `12 %`; a share of one processor may exceed 100. */
export function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}

/** How long ago: `now` below two seconds, `-` when never. */
export function age(seconds: number | undefined): string {
  return seconds === undefined ? "-" : seconds < 2 ? "now" : duration(seconds);
}
