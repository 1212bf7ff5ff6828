// The chart: highest rates as bars, as SVG that reads on light and dark pages alike. Pure.
import { written } from "./metrics.ts";
import type { Medians, Row } from "./report.ts";

const width = 850;
/** The longest title fits. */
const labelWidth = 360;
const barHeight = 20;
const gap = 8;
const groupGap = 44;
/** Room behind the longest bar for its number. */
const numberWidth = 110;
const ownColour = "#2f81f7";
const peerColour = "#8b949e";
const textColour = "#7d8590";

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

type Bar = { title: string; isOwn: boolean; value: number; label: string };

function bars(medians: Medians, rows: readonly Row[], metric: string): Bar[] {
  const list = rows.flatMap(({ name, title }) => {
    const value = medians.of(name, metric);
    if (value === undefined) return [];
    const label = `${written(metric, value)}${medians.isLimited(name, metric) ? "+" : ""}`;
    return [{ title, isOwn: name.startsWith("own-"), value, label }];
  });
  return list.sort((a, b) => b.value - a.value);
}

function drawBar(bar: Bar, most: number, y: number): string {
  const length = Math.max(2, ((width - labelWidth - numberWidth) * bar.value) / most);
  const middle = y + barHeight / 2 + 4.5;
  const weight = bar.isOwn ? ' font-weight="600"' : "";
  return [
    `<text x="${labelWidth - 10}" y="${middle}" text-anchor="end"${weight}>${escaped(bar.title)}</text>`,
    `<rect x="${labelWidth}" y="${y}" width="${length.toFixed(1)}" height="${barHeight}" rx="3" fill="${bar.isOwn ? ownColour : peerColour}"/>`,
    `<text x="${(labelWidth + length + 8).toFixed(1)}" y="${middle}"${weight}>${bar.label}</text>`,
  ].join("\n");
}

/** A group of bars for the largest size and one for the smallest, longest bar first; each has a scale of its own. What lies between is in the table. */
export function chart(medians: Medians, rows: readonly Row[], sizes: readonly number[]): string {
  const parts: string[] = [];
  let y = 16;
  for (const size of new Set([Math.max(...sizes), Math.min(...sizes)])) {
    const group = bars(medians, rows, `rate_${size}`);
    const most = Math.max(...group.map(({ value }) => value), 1);
    if (group.length === 0) continue;
    const title = `Datagrams per second with at most 0.1 % loss, ${size} bytes, one flow`;
    parts.push(`<text x="16" y="${y + 12}" font-weight="600" font-size="15">${title}</text>`);
    y += 28;
    for (const bar of group) {
      parts.push(drawBar(bar, most, y));
      y += barHeight + gap;
    }
    y += groupGap - gap;
  }
  const note = "+ the generator was the limit, nothing was lost";
  parts.push(`<text x="16" y="${y - 12}" font-size="12">${note}</text>`);
  const open = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y}" width="${width}" height="${y}" role="img"`;
  const font = `font-family="system-ui, sans-serif" font-size="13" fill="${textColour}"`;
  return `${open} ${font}>\n<title>Highest rates of relays</title>\n${parts.join("\n")}\n</svg>\n`;
}
