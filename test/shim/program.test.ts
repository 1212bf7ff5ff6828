import { describe, expect, test } from "bun:test";
import { placeMaps, possibleCpus } from "../../src/shim/program.ts";

describe("the program's instructions", () => {
  const load = (number: number, mark: number) => {
    const bytes = new Uint8Array(16);
    const view = new DataView(bytes.buffer);
    view.setUint8(0, 0x18);
    view.setUint8(1, 0x01);
    view.setUint32(4, number, true);
    view.setUint32(12, mark, true);
    return bytes;
  };

  test("get a map's descriptor where they name it by its mark", () => {
    const bytes = load(1, 0x4d43525f);
    placeMaps(bytes, new Map([[1, 42]]));
    expect(bytes.toHex()).toBe("18110000" + "2a000000" + "00000000" + "00000000");
  });

  test("stay as they are where they load any other number, or a map that is not there", () => {
    for (const bytes of [load(1, 0x4d435260), load(2, 0x4d43525f), new Uint8Array(16)]) {
      const before = bytes.toHex();
      placeMaps(bytes, new Map([[1, 42]]));
      expect(bytes.toHex()).toBe(before);
    }
  });
});

test("the number of possible CPUs is the last of the list, plus one", () => {
  expect(["0\n", "0-3\n", "0-3,8-127\n"].map(possibleCpus)).toEqual([1, 4, 128]);
  expect(() => possibleCpus("")).toThrow();
});
