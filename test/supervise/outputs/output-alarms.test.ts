import { expect, test } from "bun:test";
import { limits } from "../../../src/limits.ts";
import { OutputAlarms, type OutputCounts } from "../../../src/supervise/outputs/output-alarms.ts";

const period = limits.outputAlarmPeriodMs;

function counts(changes: Partial<OutputCounts> = {}): OutputCounts {
  return { key: "7", rule: "feed", where: "out1 10.0.3.2:5001", refused: {}, failed: 0, sent: 0, ...changes };
}

test("an output that fails is said at once, then once a period with how much it was, then that it works again", () => {
  const alarms = new OutputAlarms();
  expect(alarms.look([counts({ sent: 100 })], 0)).toEqual([]);
  expect(alarms.look([counts({ refused: { EPERM: 2 }, failed: 1, sent: 100 })], 1_000)).toEqual([
    {
      level: "Warning",
      message: expect.stringContaining("a firewall rule of this machine rejects it"),
      fields: { rule: "feed", output: "out1 10.0.3.2:5001", error: "EPERM", refused: 2, failed: 1, sent: 100 },
    },
  ]);
  let refused = 2;
  for (let second = 2; second <= period / 1000; second++) {
    refused += 1_000;
    const [failed, sent] = [refused / 2, 100];
    expect(alarms.look([counts({ refused: { EPERM: refused }, failed, sent })], second * 1_000)).toEqual([]);
  }
  const next = alarms.look([counts({ refused: { EPERM: refused + 2 }, failed: 9_000, sent: 150 })], period + 1_000);
  expect(next).toMatchObject([{ level: "Warning", fields: { refused, failed: 8_999, sent: 50 } }]);
  const still = { refused: { EPERM: refused + 2 }, failed: 9_000 };
  expect(alarms.look([counts({ ...still, sent: 151 })], period + 2_000)).toEqual([]);
  // Nothing is sent: it may be as broken as before.
  expect(alarms.look([counts({ ...still, sent: 150 })], 3 * period)).toEqual([]);
  expect(alarms.look([counts({ ...still, sent: 152 })], 3 * period)).toMatchObject([{ level: "Notice" }]);
  expect(alarms.look([counts({ ...still, sent: 999 })], 9 * period)).toEqual([]);
});

test("what passes by itself is no failure, and of several errors the one that grew most is named", () => {
  const alarms = new OutputAlarms();
  expect(alarms.look([counts({ refused: { EAGAIN: 9, ENOBUFS: 9, EMSGSIZE: 1 } })], 0)).toEqual([]);
  const refused = { EAGAIN: 99, ECONNREFUSED: 3, EHOSTUNREACH: 5 };
  expect(alarms.look([counts({ refused })], 1_000)).toMatchObject([{ fields: { error: "EHOSTUNREACH", refused: 5 } }]);
});

test("of thousands that fail at once a few are named and the others counted; one that is gone is forgotten", () => {
  const alarms = new OutputAlarms();
  const all = Array.from({ length: 3_000 }, (_, at) => counts({ key: `${at}`, refused: { ENETDOWN: 1 } }));
  const said = alarms.look(all, 0);
  expect(said).toHaveLength(limits.outputAlarmsMax + 1);
  expect(said.at(-1)).toMatchObject({ fields: { outputs: 3_000 - limits.outputAlarmsMax } });
  expect(alarms.look([], 1_000)).toEqual([]);
  expect(alarms.look(all.slice(0, 1), 2_000)).toHaveLength(1);
});

test("an output whose neighbour is silent is said though no send fails, and is not well before the neighbour answers", () => {
  const alarms = new OutputAlarms();
  const silent = { silentHop: "10.0.3.77" };
  expect(alarms.look([counts({ sent: 50, ...silent })], 0)).toMatchObject([
    {
      message: expect.stringContaining("10.0.3.77 does not answer to ARP"),
      fields: { neighbour: "10.0.3.77", sent: 50 },
    },
  ]);
  expect(alarms.look([counts({ sent: 90, ...silent })], period - 1)).toEqual([]);
  expect(alarms.look([counts({ sent: 99, ...silent })], period)).toMatchObject([{ fields: { sent: 49 } }]);
  expect(alarms.look([counts({ sent: 150 })], period + 1)).toEqual([]);
  expect(alarms.look([counts({ sent: 190 })], 2 * period)).toMatchObject([{ level: "Notice" }]);
});
