import { expect, test } from "bun:test";
import { judgeIoUring, judgeRunningIo } from "../../src/doctor/io-uring.ts";
import { commandLine } from "../../src/doctor/verdict.ts";

const good = { error: undefined, isMultishot: true, isDeferring: true, isGathering: true };
const refused = (error: string, disabled?: number) => {
  const trial = { error, isMultishot: false, isDeferring: false, isGathering: false };
  const [verdict] = judgeIoUring({ trial, disabled });
  return { severity: verdict?.severity, commands: verdict?.commands?.map(commandLine), advice: verdict?.advice };
};

test("a ring that opens is fine, and says what this kernel adds", () => {
  expect(judgeIoUring({ trial: good, disabled: 0 })).toEqual([
    { id: "io-uring", severity: "fine", what: "io_uring opens, deferred wakeups, gathering" },
  ]);
});

test("a ring whose polls end by themselves is as good as none", () => {
  const trial = { ...good, isMultishot: false };
  expect(judgeIoUring({ trial, disabled: undefined })[0]).toMatchObject({
    severity: "warning",
    what: expect.stringContaining("multishot poll"),
  });
});

test("each refusal has a cure of its own", () => {
  expect(refused("EPERM", 2)).toEqual({
    severity: "warning",
    commands: ["sysctl -w kernel.io_uring_disabled=0"],
    advice: undefined,
  });
  expect(refused("EPERM", 0).advice).toContain("--security-opt seccomp=unconfined");
  expect(refused("EPERM").advice).toContain("seccomp");
  expect(refused("ENOSYS").advice).toContain("CONFIG_IO_URING");
  expect(refused("ENOMEM").commands).toEqual(["ulimit -l unlimited"]);
});

test("a relay that runs without io_uring says so itself, with its own reason; one that was told to is only noted", () => {
  expect(judgeRunningIo({ kind: "io_uring" })).toBeUndefined();
  expect(judgeRunningIo({ kind: "ppoll", reason: "io_uring is not available (EPERM)." })).toMatchObject({
    severity: "warning",
    what: expect.stringContaining("sendmmsg: io_uring is not available (EPERM)."),
  });
  expect(judgeRunningIo({ kind: "ppoll" })).toMatchObject({ severity: "note" });
});
