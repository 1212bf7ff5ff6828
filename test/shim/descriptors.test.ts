import { expect, test } from "bun:test";
import { filesMaxFor } from "../../src/doctor/process-limits.ts";
import { limits } from "../../src/limits.ts";
import { descriptorsForRules, forRules } from "../../src/shim/descriptors.ts";
import { errno } from "../../src/shim/errno.ts";
import { closeSocket, type Failure, isFailure, openUdp } from "../../src/shim/socket.ts";

test("of many descriptors rules may have all but a fixed number, of few three quarters", () => {
  expect(descriptorsForRules(524_288)).toBe(524_288 - limits.descriptorsKept);
  expect(descriptorsForRules(200)).toBe(150);
  expect(descriptorsForRules(0)).toBe(0);
});

test("the limit that the doctor asks for is enough, and by one too large at most", () => {
  for (const count of [1, 2, 3, 100, 3_071, 3_072, 3_073, 140_000]) {
    const most = filesMaxFor(count);
    expect(descriptorsForRules(most)).toBeGreaterThanOrEqual(count);
    expect(descriptorsForRules(most - 2)).toBeLessThan(count);
  }
});

test("a socket for a rule is given as long as enough descriptors are left, a refusal as it came", () => {
  const fd = openUdp();
  expect(forRules(fd)).toBe(fd);
  if (!isFailure(fd)) closeSocket(fd);
  const refused: Failure = { step: "socket", errno: errno.EPERM };
  expect(forRules(refused)).toBe(refused);
});
