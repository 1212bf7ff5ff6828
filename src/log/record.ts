// One log line of a worker: its shape, its levels, its facilities (INTEROP.md 7).
import { z } from "zod";

/** From the gravest to the chattiest; the index is the syslog severity, with Trace behind (RFC 5424, 6.2.1). */
export const levels = ["Emergency", "Alert", "Critical", "Error", "Warning", "Notice", "Info", "Debug", "Trace"] as const;
export type Level = (typeof levels)[number];

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
] as const;
export type Facility = (typeof facilities)[number];

/** 0 for Emergency to 8 for Trace. */
export function severity(level: Level): number {
  return levels.indexOf(level);
}

/** True for one of `levels`, spelled as they are. */
export function isLevel(text: string): text is Level {
  return (levels as readonly string[]).includes(text);
}

export const record = z.object({
  timestamp: z.string(),
  level: z.enum(levels),
  facility: z.enum(facilities),
  message: z.string(),
  fields: z.record(z.string(), z.unknown()).optional(),
});
export type LogRecord = z.infer<typeof record>;

/** What a line may say beside its message. */
export type Fields = Record<string, string | number | boolean>;
