import { describe, expect, test } from "bun:test";
import { Histogram } from "../../src/traffic/histogram.ts";
import { type GenResult, renderGen, renderSink, type SinkResult, timesOf } from "../../src/traffic/report.ts";

const sent: GenResult = {
  sent: 3_110_000,
  bytes: 311_000_000,
  failed: 0,
  errors: {},
  flows: 1,
  seconds: 10,
  rate: 311_000,
  bits_per_second: 248_800_000,
  asked_rate: 500_000,
  held: false,
  late_us: null,
  slipped_ms: 3_780,
  interrupted: false,
};
const heard: SinkResult = {
  received: 100,
  distinct: 100,
  expected: null,
  lost: 0,
  duplicated: 0,
  reordered: 0,
  reordered_by_max: 0,
  corrupt: 0,
  foreign: 0,
  empty: 0,
  unjudged: 0,
  bytes: 1000,
  seconds: 1,
  rate: 100,
  bits_per_second: 8000,
  latency_us: null,
  first_sequence: 0,
  last_sequence: 99,
  streams: 1,
  kernel_drops: 0,
  complete: true,
  interrupted: false,
  flows: [{ target: "239.1.1.1:5000", received: 100, lost: 0, duplicated: 0, reordered: 0, corrupt: 0 }],
};

describe("gen", () => {
  test("says when it could not hold the rate", () => {
    expect(renderGen(sent)).toContain("asked 500,000/s, reached 311,000/s; the schedule moved by 3,780 ms");
    expect(renderGen({ ...sent, held: true })).not.toContain("asked");
    expect(renderGen({ ...sent, asked_rate: null, held: true })).not.toContain("asked");
  });

  test("names what the kernel refused", () => {
    const text = renderGen({ ...sent, failed: 7, errors: { ENOBUFS: 1200, EPERM: 7 } });
    expect(text).toContain("7 datagrams were not taken by the kernel");
    expect(text).toContain("ENOBUFS 1,200, EPERM 7");
  });
});

describe("sink", () => {
  test("says first whether all came", () => {
    expect(renderSink(heard)).toMatch(/^sink +complete\n/);
    expect(renderSink({ ...heard, complete: false, lost: 5 })).toMatch(/^sink +NOT complete\n/);
  });

  test("takes the blame for what it had no room for", () => {
    expect(renderSink({ ...heard, lost: 5, kernel_drops: 5 })).toContain("5; this receiver itself had no room for 5");
  });

  test("says when the clocks of two machines make its latency meaningless", () => {
    const histogram = new Histogram();
    histogram.add(-1000);
    expect(renderSink({ ...heard, latency_us: timesOf(histogram) })).toContain("the clocks differ");
    expect(renderSink(heard)).toContain("not known");
  });

  test("lists flows only when there are several", () => {
    expect(renderSink(heard)).not.toContain("239.1.1.1:5000");
    expect(renderSink({ ...heard, flows: [...heard.flows, ...heard.flows] })).toContain("239.1.1.1:5000");
  });
});
