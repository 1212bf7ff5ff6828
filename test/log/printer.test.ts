import { describe, expect, test } from "bun:test";
import { limits } from "../../src/limits.ts";
import { Printer } from "../../src/log/printer.ts";
import { until } from "../helpers/until.ts";

/** A reader that takes `room` bytes, then no more until it is given room again. */
function reader(room: number) {
  const world = { room, isGone: false, text: "" };
  const printer = new Printer(
    (bytes) => {
      if (world.isGone) return { taken: 0, isGone: true };
      const taken = Math.min(world.room, bytes.length);
      world.room -= taken;
      world.text += new TextDecoder().decode(bytes.subarray(0, taken));
      return { taken, isGone: false };
    },
    (count) => `<${count} lost>\n`,
  );
  return { world, printer };
}

describe("a reader that stalls", () => {
  test("gets every line in order and whole once it reads again, as far as memory is bounded", async () => {
    const { world, printer } = reader(7);
    for (const line of ["one\n", "two\n", "three\n", "four\n"]) printer.print(line);
    expect(world.text).toBe("one\ntwo");
    world.room = Number.POSITIVE_INFINITY;
    await until("the rest", () => world.text === "one\ntwo\nthree\nfour\n");
    expect(printer.lost).toBe(0);
    await printer.close();
  });

  test("costs a bounded memory, then lines; the loss is said where it happened", async () => {
    const { world, printer } = reader(0);
    const line = `${"x".repeat(1023)}\n`;
    const kept = limits.logWaitingSizeMax / line.length;
    for (let at = 0; at < kept + 9; at++) printer.print(line);
    expect(printer.lost).toBe(9);
    // Room for half of what waits: new lines fit again, and stand behind the loss.
    world.room = limits.logWaitingSizeMax / 2;
    await until("half is taken", () => world.room === 0);
    printer.print("later\n");
    world.room = Number.POSITIVE_INFINITY;
    await until("all is taken", () => world.text.endsWith("later\n"));
    expect(world.text).toBe(`${line.repeat(kept)}<9 lost>\nlater\n`);
    await printer.close();
  });

  test("hears of the loss without a next line", async () => {
    const { world, printer } = reader(0);
    const line = `${"x".repeat(limits.logWaitingSizeMax - 1)}\n`;
    printer.print(line);
    printer.print("lost\n");
    world.room = Number.POSITIVE_INFINITY;
    await until("the loss", () => world.text.endsWith("<1 lost>\n"));
    await printer.close();
  });

  test("does not keep the program from ending", async () => {
    const { printer } = reader(0);
    printer.print("never read\n");
    const start = performance.now();
    await printer.close();
    expect(performance.now() - start).toBeLessThan(limits.logCloseWaitMs * 5);
  });
});

test("a reader that is gone costs nothing and is no error", async () => {
  const { world, printer } = reader(0);
  printer.print("waits\n");
  world.isGone = true;
  await until("it is noticed", () => printer.lost === 1);
  printer.print("nobody reads this\n");
  expect(printer.lost).toBe(2);
  await printer.close();
});
