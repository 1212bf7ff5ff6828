import { expect, test } from "bun:test";
import { statusSchema } from "../../src/control/status.ts";
import { judgeSupervisor } from "../../src/doctor/supervisor.ts";
import { commandLine } from "../../src/doctor/verdict.ts";

const frames = { received: 0, matched: 0, no_match: 0, kernel_drops: 0, queue_pauses: 0, refusals: {} };
const output = {
  ...{ group: "239.2.2.2", port: 5001, interface: "out0", datagrams_sent: 0, bytes_sent: 0, datagrams_failed: 0 },
  ...{ datagrams_dropped: 0, datagrams_per_second: 0, bits_per_second: 0 },
};
const rule = {
  ...{ rule_id: "ab", name: "feed", input_interface: "in0", input_group: "239.1.1.1", input_port: 5000 },
  ...{ input_protocol: 17, source: "Dynamic", state: "active", datagrams: 0, bytes: 0 },
  ...{ datagrams_per_second: 0, bits_per_second: 0, outputs: [output] },
};
const worker = {
  ...{ pid: 9, core: 1, state: "running", restarts: 0, rss_bytes: 0, private_bytes: 0, ring_bytes: 0 },
  ...{ queue: { length: 0, length_max: 0, capacity: 1 }, wakeups_written: 0, wakeups_avoided: 0, frames },
};
const base = {
  ...{ program_version: "0.1.0", uptime_seconds: 5, pipeline: "unified", links: [], frames },
  ...{ supervisor: { pid: 8, rss_bytes: 0, private_bytes: 0 }, rules: [rule], workers: [worker] },
};

function told(changes: object) {
  const status = statusSchema.parse({ ...base, ...changes });
  return judgeSupervisor({ kind: "answers", status })
    .filter(({ severity }) => severity !== "fine")
    .map(({ id, severity, what, commands = [] }) => [id, severity, what, ...commands.map(commandLine)]);
}

test("one that answers, with all workers and rules running, is fine", () => {
  const verdicts = judgeSupervisor({ kind: "answers", status: statusSchema.parse(base) });
  expect(verdicts.map(({ id, severity }) => `${id} ${severity}`)).toEqual([
    "supervisor fine",
    "workers fine",
    "rules fine",
    "losses fine",
  ]);
});

test("none is a note, a silent one an error, one that may not be asked unseen", () => {
  const severity = (kind: "absent" | "silent" | "denied" | "foreign") =>
    judgeSupervisor({ kind, text: "x" })[0]?.severity;
  expect([severity("absent"), severity("silent"), severity("denied"), severity("foreign")]).toEqual([
    "note",
    "error",
    "unseen",
    "unseen",
  ]);
});

test("pending rules and outputs are told with their reason and what to do", () => {
  const waiting = (reason: string) => ({ ...rule, state: "pending", reason });
  expect(told({ rules: [waiting("in0 is down")] })).toEqual([
    ["rules", "warning", "Rule feed is pending: in0 is down.", "ip link set in0 up"],
  ]);
  expect(told({ rules: [waiting("input link in0 does not exist")] })[0]?.[3]).toBe("ip -br link");
  expect(told({ rules: [{ ...rule, outputs: [{ ...output, pending: "no route to 10.9.9.9" }] }] })).toEqual([
    [
      "rules",
      "warning",
      "Output out0 239.2.2.2:5001 of rule feed is pending: no route to 10.9.9.9.",
      "ip route show dev out0",
    ],
  ]);
});

test("hundreds that wait are five and a number", () => {
  const rules = Array.from({ length: 300 }, () => ({ ...rule, state: "pending", reason: "in0 is down" }));
  const said = told({ rules });
  expect(said).toHaveLength(6);
  expect(said[5]?.[2]).toBe("295 more rules or outputs are pending.");
});

test("workers that do not run and frames that were lost are told", () => {
  expect(told({ workers: [{ ...worker, state: "failed", reason: "EPERM", restarts: 3 }] })).toEqual([
    ["workers", "error", "The worker on core 1 is failed: EPERM (restarted 3 times).", "mcr-appliance workers"],
  ]);
  expect(told({ workers: [{ ...worker, state: "restarting" }] })[0]?.[1]).toBe("warning");
  expect(told({ frames: { ...frames, kernel_drops: 1_234 } })[0]).toEqual([
    "losses",
    "warning",
    "1,234 frames were lost because a capture ring was full.",
    "mcr-appliance stats",
  ]);
});
