// Every version of the configuration that was applied, as long as there is room: when, by whom, and what it changed.
import { limits } from "../limits.ts";
import type { Plan, Setup } from "./plan.ts";

/** Who wanted a version. Without a uid: the supervisor itself, or a client whose system does not tell. */
export type Cause = {
  how: "start" | "apply" | "batch" | "reload" | "load" | "rollback" | "not confirmed";
  uid?: number;
};

/** A version: what was wanted, and what that changed. */
export type Version = Cause & { number: number; timeMs: number; setup: Setup; plan: Plan };

/** The newest versions, oldest first. */
export class History {
  private readonly versions: Version[] = [];
  private last = 0;

  list(): readonly Version[] {
    return this.versions;
  }

  get(number: number): Version | undefined {
    return this.versions.find((version) => version.number === number);
  }

  /** The number of the newest there ever was. */
  get lastNumber(): number {
    return this.last;
  }

  /** Goes on from the versions of the supervisor before us. */
  inherit(versions: readonly Version[], last: number): void {
    this.versions.splice(0, this.versions.length, ...versions);
    this.last = last;
  }

  /** Writes a version down; the oldest go when there are too many, or when all together hold too many rules. */
  add(cause: Cause, timeMs: number, setup: Setup, plan: Plan): Version {
    this.last++;
    const version = { ...cause, number: this.last, timeMs, setup, plan };
    this.versions.push(version);
    while (this.versions.length > 1 && (this.versions.length > limits.configVersionsMax || this.isLarge())) {
      this.versions.shift();
    }
    return version;
  }

  private isLarge(): boolean {
    const rules = this.versions.reduce((sum, { setup, plan }) => sum + setup.rules.length + plan.rules.length, 0);
    return rules > limits.configVersionsRulesMax;
  }
}
