import { expect, test } from "bun:test";
import { isRefusal, pendingNameOf, pendingText, pendingWords } from "../../src/rules/pending.ts";

test("every reason is told from the others by its words, whatever is filled in", () => {
  for (const [name, words] of Object.entries(pendingWords)) {
    for (const filling of ["eth0", "10.0.0.1", "a b: c (d)", "{link}"]) {
      const text = words.replace(/\{\w+\}/g, filling);
      expect([text, pendingNameOf(text)]).toEqual([text, name as keyof typeof pendingWords]);
    }
  }
  expect(pendingNameOf("something else")).toBeUndefined();
  expect([pendingNameOf("was disabled"), pendingNameOf("disabled again")]).toEqual([undefined, undefined]);
  expect(pendingNameOf("eth0 cannot be captured: one line\nand another")).toBe("captureRefused");
});

test("blanks are filled in", () => {
  expect(pendingText("noRoute", { address: "10.9.9.9", link: "eth1" })).toBe("no route to 10.9.9.9 through eth1");
});

test("what no event will end is tried again: memory and rights, not links", () => {
  expect(isRefusal(pendingText("captureRefused", { link: "eth0", failure: "PACKET_RX_RING: ENOMEM" }))).toBe(true);
  const names = Object.entries(pendingWords).filter(([, words]) => isRefusal(words.replace(/\{\w+\}/g, "1")));
  expect(names.map(([name]) => name)).toEqual(["capturesFull", "captureRefused", "portTaken", "outputRefused"]);
  expect(isRefusal(undefined)).toBe(false);
});
