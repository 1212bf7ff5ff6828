import { expect, test } from "bun:test";
import { highestRate, type Trial, unlimited } from "./search.ts";

const options = { lossMax: 0.001, tolerance: 0.03, trialsMax: 40 };

/** A relay that carries `capacity` and a generator that makes `offeredMax`. */
function bench(capacity: number, offeredMax: number) {
  return async (rate: number): Promise<Trial> => {
    const offered = rate === unlimited ? offeredMax : Math.min(rate, offeredMax);
    return { offered, loss: Math.max(0, 1 - capacity / offered), isFull: offered === offeredMax };
  };
}

test.each([10_000, 81_000, 266_000, 1_190_000])("finds a capacity of %d to within its tolerance", async (capacity) => {
  const found = await highestRate(bench(capacity, 1_200_000), options);
  expect(found.isLimited).toBe(false);
  expect(found.rate).toBeLessThanOrEqual(capacity * 1.002);
  expect(found.rate).toBeGreaterThan(capacity * 0.96);
});

test("says so when the generator was the limit", async () => {
  const found = await highestRate(bench(2_000_000, 1_200_000), options);
  expect(found).toEqual({ rate: 1_200_000, isLimited: true, trials: 1 });
});

test("finds more than came through under overload, where overload costs", async () => {
  const collapsing = async (rate: number): Promise<Trial> => {
    const offered = rate === unlimited ? 1_000_000 : rate;
    return { offered, loss: offered > 400_000 ? 0.9 : 0, isFull: false };
  };
  const { rate } = await highestRate(collapsing, options);
  expect(rate).toBeGreaterThan(385_000);
});

test("is not misled by one disturbed trial", async () => {
  let count = 0;
  const calm = bench(400_000, 1_000_000);
  const disturbed = async (rate: number): Promise<Trial> => {
    count += 1;
    return count % 2 === 0 ? { offered: rate, loss: 0.02, isFull: false } : calm(rate);
  };
  const { rate } = await highestRate(disturbed, options);
  expect(rate).toBeGreaterThan(380_000);
});

test("ends when nothing ever comes through", async () => {
  const dead = async (rate: number): Promise<Trial> => ({ offered: rate || 1_000_000, loss: 1, isFull: false });
  expect(await highestRate(dead, options)).toMatchObject({ rate: 0, isLimited: false });
});
