// Checks that compare a setting of the kernel with what the relay wants.
import { describe, expect, test } from "bun:test";
import { judgeBuffers } from "../../src/doctor/buffers.ts";
import { judgeEbpf } from "../../src/doctor/ebpf.ts";
import { judgeIgmp } from "../../src/doctor/igmp.ts";
import { judgeReversePath } from "../../src/doctor/reverse-path.ts";
import { commandLine, type Verdict } from "../../src/doctor/verdict.ts";
import { limits } from "../../src/limits.ts";

const told = (verdicts: readonly Verdict[]) =>
  verdicts.map(({ id, severity, commands = [] }) => [id, severity, ...commands.map(commandLine)]);

describe("socket buffers", () => {
  const enough = { wmemMax: limits.outputBufferSize, rmemMax: limits.captureQueueSize, optmemMax: 131_072 };

  test("are fine from what the relay asks for", () => {
    expect(told(judgeBuffers({ ...enough, isForced: false }))).toEqual([
      ["send-buffer", "fine"],
      ["receive-buffer", "fine"],
      ["filter-memory", "fine"],
    ]);
  });

  test("one byte below that are warnings with the command", () => {
    const short = { wmemMax: enough.wmemMax - 1, rmemMax: enough.rmemMax - 1, optmemMax: 20_480 };
    expect(told(judgeBuffers({ ...short, isForced: false }))).toEqual([
      ["send-buffer", "warning", "sysctl -w net.core.wmem_max=4194304"],
      ["receive-buffer", "warning", "sysctl -w net.core.rmem_max=16777216"],
      ["filter-memory", "note", "sysctl -w net.core.optmem_max=131072"],
    ]);
  });

  test("may be as small as they like with CAP_NET_ADMIN", () => {
    expect(
      told(judgeBuffers({ wmemMax: 1, rmemMax: 1, optmemMax: 131_072, isForced: true })).map(([, is]) => is),
    ).toEqual(["fine", "fine", "fine"]);
  });

  test("that cannot be read are said to be unseen", () => {
    const nothing = { wmemMax: undefined, rmemMax: undefined, optmemMax: undefined };
    expect(judgeBuffers({ ...nothing, isForced: true }).every(({ severity }) => severity === "unseen")).toBe(true);
  });
});

describe("limits of memberships", () => {
  test.each([
    [20, "fine"],
    [19, "note"],
    [1, "note"],
    [0, "error"],
    [undefined, "unseen"],
  ] as const)("%p groups a socket: %s", (membershipsMax, severity) => {
    expect(judgeIgmp({ membershipsMax, sourcesMax: 10 })[0]).toMatchObject({ id: "igmp-memberships", severity });
  });

  test("and of sources a group", () => {
    const told = [10, 9, 0].map((sourcesMax) => judgeIgmp({ membershipsMax: 20, sourcesMax })[1]?.severity);
    expect(told).toEqual(["fine", "note", "error"]);
  });
});

test("rp_filter is only reported: the larger of the two values is in force, and none is wrong", () => {
  const said = (all: number | undefined, own: number) => judgeReversePath({ link: "in0", all, own })[0];
  expect(said(0, 0)?.what).toBe("rp_filter of in0 is off");
  expect(said(1, 0)?.what).toBe("rp_filter of in0 is strict; the relay does not mind");
  expect(said(1, 2)?.what).toBe("rp_filter of in0 is loose; the relay does not mind");
  expect([said(1, 2)?.severity, said(undefined, 2)?.severity]).toEqual(["fine", "unseen"]);
});

test("eBPF: loaded, refused, or not tried", () => {
  const severity = (isTried: boolean, error?: string) => judgeEbpf({ isTried, error })[0]?.severity;
  expect([severity(true), severity(true, "EPERM"), severity(false)]).toEqual(["fine", "warning", "unseen"]);
  expect(judgeEbpf({ isTried: true, error: "EPERM" })[0]?.what).toContain("(EPERM)");
});
