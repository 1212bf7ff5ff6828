import { describe, expect, test } from "bun:test";
import { complaints, type Evidence } from "./referee.ts";

type Output = Evidence["status"]["rules"][number]["outputs"][number];

function evidence(): Evidence & { status: { rules: { outputs: [Output] }[] } } {
  const output: Output = {
    ...{ interface: "out0", datagrams_sent: 880, bytes_sent: 88_000, datagrams_failed: 5, datagrams_dropped: 15 },
    drops: { pending: 5, worker_died: 10 },
  };
  return {
    sent: { flows: 1000, floods: 200 },
    counted: ["flow-0"],
    status: {
      rules: [{ name: "flow-0", state: "active", datagrams: 900, outputs: [output] }],
      workers: [{ state: "running", restarts: 2, stalls: 0 }],
      frames: { received: 1100, matched: 900, no_match: 190, kernel_drops: 99, refusals: { vlan: 10 } },
    },
    accounts: [{ name: "frames", parts: {}, holds: true }],
    // 885 heard: five of the ten that counted as lost with a worker came through.
    received: {
      ...{ received: 880, lost: 0, duplicated: 0, reordered: 0, corrupt: 0, distinct: 880, foreign: 0, empty: 0 },
      ...{ streams: 1, kernel_drops: 5, complete: true, flows: [] },
    },
  };
}

describe("the referee", () => {
  test("has no complaint when each datagram has its counter, with one a death in nobody's hands", () => {
    expect(complaints(evidence())).toEqual([]);
  });

  const wrongs: [what: string, spoil: (of: ReturnType<typeof evidence>) => void, complaint: RegExp][] = [
    [
      "three are missing for two deaths",
      ({ sent }) => {
        sent.flows += 2;
      },
      /^sent and neither taken .*: 3, expected -2 to 2$/,
    ],
    [
      "frames come from nowhere",
      ({ status }) => {
        status.frames.kernel_drops += 4;
      },
      /^sent and neither taken .*: -3/,
    ],
    [
      "a frame has no fate",
      ({ status }) => {
        status.frames.no_match -= 1;
      },
      /^frames received: 1100, but 1099 matched/,
    ],
    [
      "an output forgets one",
      ({ status }) => {
        for (const { outputs } of status.rules) outputs[0].datagrams_failed -= 1;
      },
      /^datagrams of counted flows: 900, but 899/,
    ],
    [
      "the receiver misses one that counts as sent",
      ({ received }) => {
        received.received -= 6;
      },
      /^arrived beyond .*: -1, expected 0 to 10$/,
    ],
    [
      "more came than were sent or died",
      ({ received }) => {
        received.received += 6;
      },
      /^arrived beyond .*: 11, expected 0 to 10$/,
    ],
    [
      "one came twice",
      ({ received }) => {
        received.duplicated = 1;
      },
      /^datagrams that arrived twice: 1/,
    ],
    [
      "one came damaged",
      ({ received }) => {
        received.corrupt = 1;
      },
      /^datagrams that arrived damaged: 1/,
    ],
    [
      "a sum of the relay does not hold",
      ({ accounts }) => {
        accounts.splice(0, 1, { name: "frames", parts: {}, holds: false });
      },
      /^stats --check: .*"frames"/,
    ],
    [
      "a rule is gone",
      (of) => {
        of.counted = ["flow-0", "flow-1"];
      },
      /^counted rules: 1, but 2 there at the end$/,
    ],
  ];

  test.each(wrongs)("complains, of nothing else, when %s", (_, spoil, complaint) => {
    const spoilt = evidence();
    spoil(spoilt);
    expect(complaints(spoilt)).toEqual([expect.stringMatching(complaint)]);
  });
});
