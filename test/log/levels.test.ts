import { describe, expect, test } from "bun:test";
import { Levels } from "../../src/log/levels.ts";
import { levelNamed, levels, severity } from "../../src/log/record.ts";

describe("levels", () => {
  test("pass when they are as grave as the global one", () => {
    const chosen = new Levels("Notice");
    expect(levels.filter((level) => chosen.passes(level, "Supervisor"))).toEqual([
      "Emergency",
      "Alert",
      "Critical",
      "Error",
      "Warning",
      "Notice",
    ]);
  });

  test("of a facility override the global one, also to be quieter", () => {
    const chosen = new Levels("Info");
    chosen.setFacility("Ingress", "Debug");
    chosen.setFacility("Stats", "Error");
    expect(chosen.passes("Debug", "Ingress")).toBe(true);
    expect(chosen.passes("Info", "Stats")).toBe(false);
    chosen.setGlobal("Trace");
    expect(chosen.passes("Trace", "Ingress")).toBe(false);
    expect(chosen.passes("Trace", "Egress")).toBe(true);
    expect(chosen.choice()).toEqual({ global: "Trace", overrides: { Ingress: "Debug", Stats: "Error" } });
  });

  test("come back to those of the start with a reset", () => {
    const chosen = new Levels("Warning");
    chosen.setGlobal("Trace");
    chosen.setFacility("Egress", "Debug");
    expect(chosen.reset()).toBe("Warning");
    expect(chosen.choice()).toEqual({ global: "Warning", overrides: {} });
  });

  test("have syslog's numbers, and are found by any usual name", () => {
    expect(levels.map(severity)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(["EMERG", "crit", "err", "Warn", "informational", "trace"].map(levelNamed)).toEqual([
      "Emergency",
      "Critical",
      "Error",
      "Warning",
      "Info",
      "Trace",
    ]);
    expect(["", "verbose", "constructor"].map(levelNamed)).toEqual([undefined, undefined, undefined]);
  });
});
