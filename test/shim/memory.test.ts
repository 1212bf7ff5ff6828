import { expect, test } from "bun:test";
import { shim } from "../../src/shim/library.ts";
import { map, mapFd, memfd, onesSumAt, scratch, text } from "../../src/shim/memory.ts";
import { onesSum } from "../helpers/reference.ts";

test("mapped memory is zero, seen alike through every view, and C finds it where it is said to be", () => {
  const memory = map(4096);
  expect(memory.u8.every((byte) => byte === 0)).toBe(true);
  memory.u32[3] = 0x01020304;
  expect([...memory.u8.subarray(12, 16)]).toEqual([4, 3, 2, 1]);
  expect(memory.u16[6]).toBe(0x0304);
  expect(Number(memory.at(12))).toBe(Number(memory.pointer) + 12);
  expect(() => memory.at(4096)).toThrow("lies inside");
  expect(() => memory.at(-1)).toThrow("lies inside");
  memory.close();
  expect(() => memory.close()).toThrow("closed once");
});

test("a size that is not a multiple of 8 is refused", () => {
  expect(() => map(12)).toThrow("multiples of 8");
});

test("a memfd is one memory, wherever it is mapped", () => {
  const fd = memfd("mcr-test", 8192);
  expect(fd).toBeGreaterThan(0);
  const [one, other] = [mapFd(fd, 8192), mapFd(fd, 8192)];
  if (one === undefined || other === undefined) throw new Error("the memfd could not be mapped");
  one.f64[1000] = 2 ** 53 - 1;
  expect(other.f64[1000]).toBe(2 ** 53 - 1);
  shim.mcr_close(fd);
  one.close();
  expect(other.f64[1000]).toBe(2 ** 53 - 1);
  other.close();
});

test("a descriptor that is none cannot be mapped", () => {
  expect(mapFd(-1, 4096)).toBeUndefined();
});

test("the sum of RFC 1071 is that of the slow one, whatever the size and alignment", () => {
  const memory = map(4096);
  for (let at = 0; at < 4096; at++) memory.u8[at] = (at * 7 + (at >> 3)) & 0xff;
  const base = Number(memory.pointer);
  for (let from = 0; from < 9; from++) {
    for (const size of [0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 63, 64, 65, 1471, 1472, 4000]) {
      const slow = onesSum(memory.u8.subarray(from, from + size));
      const swapped = ((slow & 0xff) << 8) | (slow >> 8);
      const sum = onesSumAt(base + from, size);
      const folded = (sum & 0xffff) + (sum >>> 16);
      expect([from, size, ((folded & 0xffff) + (folded >>> 16)) % 0xffff]).toEqual([from, size, swapped % 0xffff]);
    }
  }
  memory.close();
});

test("100,000 hot calls find what was written for each: the page for out-parameters does not move", () => {
  let wrong = 0;
  for (let call = 0; call < 100_000; call++) {
    const size = 8 + (call % 4) * 8;
    for (let at = 0; at < size; at++) scratch.u8[at] = (call + at) & 0xff;
    let slow = 0;
    for (let at = 0; at < size; at += 2) slow += (((call + at) & 0xff) << 8) | ((call + at + 1) & 0xff);
    const sum = onesSumAt(Number(scratch.pointer), size);
    const swapped = ((sum & 0xff) << 8) | ((sum >> 8) & 0xff);
    if (sum < 0x10000 && swapped % 0xffff !== slow % 0xffff) wrong++;
    if (sum >= 0x10000) wrong++;
  }
  expect(wrong).toBe(0);
});

test("text for C ends with a zero, and is cut where its room ends", () => {
  const at = Number(text("mcr worker")) - Number(scratch.pointer);
  expect(new TextDecoder().decode(scratch.u8.slice(at, at + 11))).toBe("mcr worker\0");
  text("é".repeat(5_000));
  expect(scratch.u8[scratch.size - 1]).toBe(0);
});
