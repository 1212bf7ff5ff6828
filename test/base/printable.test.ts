import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { printable } from "../../src/base/printable.ts";

describe("printable", () => {
  test("an escape sequence becomes text", () => {
    expect(printable("a\u001b[2Jb\n\u009b\u202e")).toBe("a\\u001b[2Jb\\u000a\\u009b\\u202e");
  });

  test("ordinary text stays as it is", () => {
    expect(printable("café 東京 eth0.600")).toBe("café 東京 eth0.600");
  });

  test("nothing that is left can move a cursor", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => !/[\p{Cc}\p{Cs}\u202e]/u.test(printable(text))));
  });
});
