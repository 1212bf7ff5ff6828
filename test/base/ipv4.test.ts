import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { formatIpv4, isMulticast, isUnicast, parseIpv4 } from "../../src/base/ipv4.ts";

describe("ipv4", () => {
  test("every address survives formatting and parsing", () => {
    fc.assert(fc.property(fc.nat(0xffffffff), (address) => parseIpv4(formatIpv4(address)) === address));
  });

  test("addresses above 127.255.255.255 are positive numbers", () => {
    expect(parseIpv4("255.255.255.255")).toBe(0xffffffff);
    expect(parseIpv4("239.1.2.3")).toBe(0xef010203);
  });

  for (const text of [
    "",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.256",
    "01.2.3.4",
    "1.2.3.4 ",
    "1.2.3.-4",
    "0x1.2.3.4",
    "１.2.3.4",
    "1.2.3.4\n",
  ]) {
    test(`${JSON.stringify(text)} is no address`, () => {
      expect(parseIpv4(text)).toBeUndefined();
    });
  }

  test("multicast is 224.0.0.0/4, with its neighbours outside", () => {
    const claims = ["223.255.255.255", "224.0.0.0", "239.255.255.255", "240.0.0.0"].map((text) =>
      isMulticast(parseIpv4(text) ?? 0),
    );
    expect(claims).toEqual([false, true, true, false]);
  });

  test("neither multicast nor 0.0.0.0 nor broadcast is unicast", () => {
    const claims = ["10.0.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1"].map((text) =>
      isUnicast(parseIpv4(text) ?? 0),
    );
    expect(claims).toEqual([true, false, false, false]);
  });
});
