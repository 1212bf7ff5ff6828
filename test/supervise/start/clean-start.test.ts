import { expect, test } from "bun:test";
import { sift } from "../../../src/supervise/start/clean-start.ts";

test("what the program and libc read is kept, and all else stays behind", () => {
  const { kept, dropped } = sift({
    PATH: "/bin",
    LC_ALL: "C",
    MCR_STATS_INTERVAL_MS: "0",
    NOTIFY_SOCKET: "@x",
    BUN_OPTIONS: "--preload x",
    BUN_JSC_useJIT: "0",
    NODE_OPTIONS: "--require x",
    NODE_EXTRA_CA_CERTS: "x",
    LD_PRELOAD: "x",
    GLIBC_TUNABLES: "x",
    PATHS: "/bin",
    NOTHING: undefined,
  });
  expect(kept).toEqual({ PATH: "/bin", LC_ALL: "C", MCR_STATS_INTERVAL_MS: "0", NOTIFY_SOCKET: "@x" });
  expect(dropped).toEqual([
    "BUN_OPTIONS",
    "BUN_JSC_useJIT",
    "NODE_OPTIONS",
    "NODE_EXTRA_CA_CERTS",
    "LD_PRELOAD",
    "GLIBC_TUNABLES",
    "PATHS",
  ]);
});

test("the mark of the first start is not handed on", () => {
  expect(sift({ MCR_CLEAN_START: "1:own" })).toEqual({ kept: {}, dropped: [] });
});
