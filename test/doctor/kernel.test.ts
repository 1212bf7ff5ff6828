import { expect, test } from "bun:test";
import { isOlder, judgeKernel } from "../../src/doctor/kernel.ts";

test.each([
  ["6.18.44", "fine", "Linux 6.18.44"],
  ["6.12.0-rc1", "fine", "Linux 6.12.0-rc1"],
  ["6.1.0-18-amd64", "note", "sends gathered under load (6.12)"],
  ["5.10.0", "note", "io_uring as workers use it (5.13)"],
  ["5.9.16", "warning", "older than anything"],
  ["4.19", "warning", "older than anything"],
  ["unknown", "note", "no version of Linux"],
])("Linux %s is %s", (release, severity, said) => {
  expect(judgeKernel({ release })).toMatchObject([{ id: "kernel", severity, what: expect.stringContaining(said) }]);
});

test("what a kernel has is not among what a newer one would add", () => {
  expect(judgeKernel({ release: "6.6.1" })[0]?.what).toBe(
    "Linux 6.6.1 works. Newer kernels add: sends gathered under load (6.12).",
  );
});

test("releases compare by number, and what is no version is not older", () => {
  expect([isOlder("5.9.1", 5, 10), isOlder("5.10.0", 5, 10), isOlder("10.1", 6, 2), isOlder("?", 6, 2)]).toEqual([
    true,
    false,
    false,
    false,
  ]);
});
