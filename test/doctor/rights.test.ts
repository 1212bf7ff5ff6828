import { expect, test } from "bun:test";
import { type Capability, capabilitiesIn, judgeRights, type RightsFacts } from "../../src/doctor/rights.ts";

const all: Capability[] = ["CAP_NET_RAW", "CAP_NET_ADMIN", "CAP_SYS_NICE", "CAP_BPF"];
const judged = (has: Capability[] | undefined, rest: Partial<RightsFacts> = {}) =>
  judgeRights({
    subject: "self",
    uid: 0,
    captureError: undefined,
    nicePriority: undefined,
    ...rest,
    capabilities: has === undefined ? undefined : new Set(has),
  })[0];

test("a mask of /proc/PID/status is read bit by bit", () => {
  expect(capabilitiesIn("0000000000000000").size).toBe(0);
  expect([...capabilitiesIn("0000008000003000")].sort()).toEqual(["CAP_BPF", "CAP_NET_ADMIN", "CAP_NET_RAW"]);
  expect(capabilitiesIn("000001ffffffffff").size).toBe(5);
});

test("all rights are fine", () => {
  expect(judged(all)).toMatchObject({ id: "capabilities", severity: "fine" });
});

test("without CAP_NET_RAW root and a running supervisor are errors; an ordinary user is warned", () => {
  expect(judged([])).toMatchObject({ severity: "error", advice: expect.stringContaining("--cap-add NET_RAW") });
  expect(judged([], { subject: "supervisor", uid: 990 })).toMatchObject({ severity: "error" });
  expect(judged([], { uid: 1000 })).toMatchObject({
    severity: "warning",
    what: expect.stringContaining("user id 1000"),
  });
});

test("a socket that is refused in spite of the right is an error that names who else may refuse it", () => {
  expect(judged(all, { captureError: "EAFNOSUPPORT" })).toMatchObject({
    severity: "error",
    what: expect.stringContaining("EAFNOSUPPORT"),
    advice: expect.stringContaining("RestrictAddressFamilies"),
  });
});

test("what is useful and missing is told by what it costs", () => {
  expect(judged(["CAP_NET_RAW"])).toMatchObject({ severity: "warning", why: expect.stringContaining("buffers") });
  expect(judged(["CAP_NET_RAW", "CAP_NET_ADMIN"])).toMatchObject({ severity: "note" });
});

test("a process that cannot be looked at is not judged", () => {
  expect(judged(undefined, { subject: "supervisor" })).toMatchObject({ severity: "unseen" });
});

test("workers go first by CAP_SYS_NICE or by the limit that LimitNICE= raises; else a note says so", () => {
  const without: Capability[] = ["CAP_NET_RAW", "CAP_NET_ADMIN", "CAP_BPF"];
  expect(judged(without, { nicePriority: 35 })).toMatchObject({ severity: "fine" });
  for (const nicePriority of [34, 0, undefined]) {
    expect(judged(without, { nicePriority })).toMatchObject({
      severity: "note",
      advice: expect.stringContaining("LimitNICE=-15"),
    });
  }
});
