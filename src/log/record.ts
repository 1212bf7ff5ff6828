// One log line: its shape, its levels, its facilities (INTEROP.md 7).
import { z } from "zod";

/** Syslog's levels with their numbers (RFC 5424, 6.2.1), and Trace behind them. */
export const severities = {
  Emergency: 0,
  Alert: 1,
  Critical: 2,
  Error: 3,
  Warning: 4,
  Notice: 5,
  Info: 6,
  Debug: 7,
  Trace: 8,
} as const;
export type Level = keyof typeof severities;

/** From the gravest to the chattiest. */
export const levels = Object.keys(severities) as [Level, ...Level[]];

export const facilities = [
  "Supervisor",
  "RuleDispatch",
  "ControlSocket",
  "DataPlane",
  "Ingress",
  "Egress",
  "BufferPool",
  "PacketParser",
  "Stats",
  "Security",
  "Network",
  "Test",
  "Unknown",
] as const;
/** The part of the program that speaks. `Unknown` is what a library or a dying runtime says. */
export type Facility = (typeof facilities)[number];

/** Other spellings that operators use (INTEROP.md 1.2), lower-case. */
const aliases: ReadonlyMap<string, Level> = new Map([
  ["emerg", "Emergency"],
  ["crit", "Critical"],
  ["err", "Error"],
  ["warn", "Warning"],
  ["informational", "Info"],
]);

/** 0 for Emergency to 8 for Trace. */
export function severity(level: Level): number {
  return severities[level];
}

/** The level that a person means, in any case and by its usual short names; undefined when there is none such. */
export function levelNamed(text: string): Level | undefined {
  const word = text.toLowerCase();
  return levels.find((level) => level.toLowerCase() === word) ?? aliases.get(word);
}

/** What a line may say beside its message. */
export type Fields = Record<string, string | number | boolean>;

/** A line as a worker writes it. The timestamp is RFC 3339 with microseconds, in UTC. */
export const record = z.object({
  timestamp: z.iso.datetime({ offset: true }),
  level: z.enum(levels),
  facility: z.enum(facilities),
  message: z.string(),
  fields: z.record(z.string(), z.unknown()).optional(),
});
export type LogRecord = z.infer<typeof record>;

/** `nowUs`, microseconds since 1970, as RFC 3339 in UTC. Called for every line of a trace: a second's text is made once. */
export class Timestamps {
  private second = Number.NaN;
  private prefix = "";

  at(nowUs: number): string {
    const second = Math.floor(nowUs / 1e6);
    if (second !== this.second) {
      this.second = second;
      // "2026-01-31T12:00:00."
      this.prefix = new Date(second * 1000).toISOString().slice(0, 20);
    }
    const micros = Math.floor(nowUs - second * 1e6);
    return `${this.prefix}${String(micros).padStart(6, "0")}Z`;
  }
}
