import { expect, test } from "bun:test";
import fc from "fast-check";
import { limits } from "../../../src/limits.ts";
import { Pulse } from "../../../src/supervise/workers/pulse.ts";
import { prove } from "../../helpers/prove.ts";

const { heartbeatLookMs: look, heartbeatPeriodMs: period, heartbeatWaitMs: wait } = limits;

/** A pulse that has been asked at `nowMs`. */
function asked(): { pulse: Pulse; nowMs: number } {
  const pulse = new Pulse(0);
  let nowMs = 0;
  while (pulse.look(nowMs) === "wait") nowMs += look;
  pulse.asked();
  return { pulse, nowMs };
}

test("it asks once a period, and not again while an answer is owed", () => {
  const { pulse, nowMs } = asked();
  expect(nowMs).toBe(period);
  expect(pulse.look(nowMs + look)).toBe("wait");
  pulse.heard("ingress", true, nowMs + look);
  pulse.heard("egress", true, nowMs + look);
  let next = nowMs + look;
  while (pulse.look(next) === "wait") next += look;
  expect(next - nowMs - look).toBe(period);
});

test("a half that never answers is named, less than three seconds after it fell silent", () => {
  const { pulse, nowMs } = asked();
  pulse.heard("ingress", true, nowMs);
  let later = nowMs;
  let verdict = pulse.look(later);
  while (verdict === "wait") {
    later += look;
    verdict = pulse.look(later);
  }
  expect(verdict).toEqual({ stuck: ["egress"], silentMs: wait });
  expect(later).toBeLessThan(3000);
});

test("whoever carries out orders lives, though its answer is still behind them", () => {
  const { pulse, nowMs } = asked();
  for (let turn = 1; turn <= 100; turn++) {
    pulse.heard("ingress", false, nowMs + turn * look);
    pulse.heard("egress", false, nowMs + turn * look);
    expect(pulse.look(nowMs + turn * look)).toBe("wait");
  }
});

test("a supervisor that was stopped blames nobody, however long and however often", () => {
  prove(
    fc.property(fc.array(fc.integer({ min: look, max: 100_000 }), { minLength: 1, maxLength: 8 }), (sleeps) => {
      const { pulse, nowMs } = asked();
      let now = nowMs;
      for (const sleepMs of sleeps) {
        now += sleepMs;
        expect(pulse.look(now)).toBe("wait");
      }
      // Then it reads what the worker said meanwhile.
      pulse.heard("ingress", true, now);
      pulse.heard("egress", true, now);
      expect(pulse.ageMs(now)).toBe(0);
    }),
    200,
  );
});

test("the age is since both halves had answered all they were asked", () => {
  const { pulse, nowMs } = asked();
  pulse.heard("egress", true, nowMs + 10);
  expect(pulse.ageMs(nowMs + 10)).toBe(nowMs + 10);
  pulse.heard("ingress", true, nowMs + 20);
  expect(pulse.ageMs(nowMs + 50)).toBe(30);
});
