// Which lines pass: one level for all, and a level of its own for a facility that needs another (INTEROP.md 7).
import { type Facility, facilities, type Level, severity } from "./record.ts";

/** As `log-level get` shows them, and as workers are told. */
export type LevelChoice = { global: Level; overrides: Partial<Record<Facility, Level>> };

/** The choice as it stands, and as it was at the start. */
export class Levels {
  private readonly first: Level;
  private global: Level;
  private overrides: Partial<Record<Facility, Level>> = {};

  /** `first` is what a reset comes back to. */
  constructor(first: Level) {
    this.first = first;
    this.global = first;
  }

  /** A facility's own level decides alone; the global one where there is none. */
  passes(level: Level, facility: Facility): boolean {
    return severity(level) <= severity(this.overrides[facility] ?? this.global);
  }

  setGlobal(level: Level): void {
    this.global = level;
  }

  setFacility(facility: Facility, level: Level): void {
    this.overrides[facility] = level;
  }

  /** Back to how the program was started; returns that level. */
  reset(): Level {
    this.global = this.first;
    this.overrides = {};
    return this.first;
  }

  /** As choice() said of the supervisor before us. */
  restore({ global, overrides }: LevelChoice): void {
    this.global = global;
    this.overrides = { ...overrides };
  }

  /** Facilities in their own order, so that the same choice is the same text. */
  choice(): LevelChoice {
    const known = facilities.filter((facility) => this.overrides[facility] !== undefined);
    return { global: this.global, overrides: Object.fromEntries(known.map((name) => [name, this.overrides[name]])) };
  }
}
