// MCR's environment variables in our terms.
import { expect, test } from "bun:test";
import { limits } from "../../../src/limits.ts";
import { settingsOf } from "../../../src/supervise/start/environment.ts";

const usual = { statsIntervalMs: 10_000, multicastTtl: 1, sendBufferSize: limits.outputBufferSize, notes: [] };

test("without variables everything is as usual", () => {
  expect(settingsOf({})).toEqual(usual);
});

test("interval, TTL and send buffer are taken", () => {
  expect(settingsOf({ MCR_STATS_INTERVAL_MS: "250", MCR_MULTICAST_TTL: "16", MCR_SOCKET_SNDBUF: "65536" })).toEqual({
    statsIntervalMs: 250,
    multicastTtl: 16,
    sendBufferSize: 65_536,
    notes: [],
  });
});

test("the interval is taken when it is a number", () => {
  const texts = [undefined, "", "x", "-1", "250", "0"];
  const intervals = texts.map((text) => settingsOf({ MCR_STATS_INTERVAL_MS: text }).statsIntervalMs);
  expect(intervals).toEqual([10_000, 10_000, 10_000, 10_000, 250, 0]);
});

test("what makes no sense counts as not given, and is said", () => {
  const { notes, ...settings } = settingsOf({ MCR_MULTICAST_TTL: "0", MCR_SOCKET_SNDBUF: "much" });
  expect({ ...settings, notes: [] }).toEqual(usual);
  expect(notes).toEqual([
    "MCR_MULTICAST_TTL must be a whole number from 1 to 255; it counts as not given",
    expect.stringContaining("MCR_SOCKET_SNDBUF must be a whole number from 4096"),
  ]);
});

test("variables for what is different here are accepted, with a line each on what stands in their place", () => {
  const { notes } = settingsOf({
    MCR_PERIODIC_SYNC_SECS: "60",
    MCR_NUM_RECV_BUFFERS: "32",
    MCR_BUFFER_POOL_JUMBO: "9",
  });
  expect(notes).toEqual([
    expect.stringContaining("MCR_PERIODIC_SYNC_SECS is not needed"),
    expect.stringContaining(
      "MCR_NUM_RECV_BUFFERS, MCR_BUFFER_POOL_JUMBO: in their place there is a capture ring of 16 MiB",
    ),
  ]);
});
