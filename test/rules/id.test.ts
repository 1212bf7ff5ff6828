import { describe, expect, test } from "bun:test";
import { ruleId } from "../../src/rules/id.ts";

describe("rule ids", () => {
  for (const [link, group, port, protocol, id] of [
    ["eth0", "239.1.1.1", 5000, 17, "18302982b59d5f86"],
    ["eth0", "224.0.0.1", 5000, 17, "46c1071e38fc5f1c"],
    ["veth-mcr0", "239.1.1.1", 5001, 17, "37cb54072275f974"],
    ["lo", "239.1.1.1", 5000, 17, "e6958347f6f5fa0a"],
    ["eth0", "239.255.0.100", 0, 50, "f463092e7a6d16f6"],
  ] as const) {
    test(`${link} ${group}:${port}/${protocol} is ${id}, as in MCR`, () => {
      expect(ruleId(link, group, port, protocol)).toBe(id);
    });
  }

  test("a source makes another id, each source its own", () => {
    const ids = [undefined, "10.0.0.1", "10.0.0.2"].map((source) => ruleId("eth0", "232.1.1.1", 5000, 17, source));
    expect(new Set(ids).size).toBe(3);
  });

  test("an address that nobody validated is a broken program", () => {
    expect(() => ruleId("eth0", "group", 5000, 17)).toThrow("validated");
  });
});
