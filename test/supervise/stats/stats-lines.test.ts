import { describe, expect, test } from "bun:test";
import type { FlowStats } from "../../../src/control/words.ts";
import { limits } from "../../../src/limits.ts";
import type { egress, ingress } from "../../../src/relay/counters.ts";
import { StatsLines } from "../../../src/supervise/stats/stats-lines.ts";

function flow(port: number, packets: number, perSecond = 0): FlowStats {
  return {
    input_group: "239.1.1.1",
    input_port: port,
    packets_relayed: packets,
    bytes_relayed: packets * 100,
    packets_per_second: perSecond,
    bits_per_second: perSecond * 800.4,
  };
}

function lines(intervalMs: number) {
  const counters = new Map<string, number>();
  const page = {
    ingress: (name: keyof typeof ingress) => counters.get(`in ${name}`) ?? 0,
    egress: (name: keyof typeof egress) => counters.get(`out ${name}`) ?? 0,
    refusals: () => ({ large_slots_full: counters.get("without buffer") ?? 0 }),
  };
  const world = { nowMs: 5000, said: [] as string[], flows: [] as FlowStats[], counters };
  const places = [
    { index: 0, page, child: { pid: 4242 } },
    { index: 1, page: { ingress: () => 0, egress: () => 0, refusals: () => ({}) }, child: undefined },
  ];
  const made = new StatsLines({
    log: { say: (_level, message, _fields, _facility, origin) => world.said.push(`${origin?.pid ?? "-"} ${message}`) },
    places: () => places as never,
    flows: () => world.flows,
    intervalMs,
    nowMs: () => world.nowMs,
  });
  const tickAt = (ms: number) => {
    world.nowMs = 5000 + ms;
    world.said = [];
    made.tick();
    return world.said;
  };
  return { world, tickAt };
}

describe("the periodic lines", () => {
  test("come once an interval, idle or not, for every worker that lives", () => {
    const { world, tickAt } = lines(10_000);
    const idle = "rx=0 tx=0 matched=0 not_matched=0 rx_err=0 tx_err=0 buf_exhaust=0 pipe_err=0";
    expect(tickAt(9_999)).toEqual([]);
    expect(tickAt(10_300)).toEqual([`4242 [STATS] t_ms=10300 ${idle}`]);
    expect(tickAt(10_400)).toEqual([]);
    world.counters
      .set("in frames", 10)
      .set("in matched", 9)
      .set("in noMatch", 1)
      .set("out sent", 18)
      .set("out failed", 2)
      .set("without buffer", 3);
    // A late tick does not move those that follow.
    expect(tickAt(20_000)).toEqual([
      "4242 [STATS] t_ms=20000 rx=10 tx=18 matched=9 not_matched=1 rx_err=0 tx_err=2 buf_exhaust=3 pipe_err=0",
    ]);
  });

  test("name the flows that moved, the fastest first, and not thousands of them", () => {
    const { world, tickAt } = lines(1000);
    world.flows = [flow(1, 10, 1), flow(2, 0), flow(3, 20, 2.6)];
    expect(tickAt(1000).slice(1)).toEqual([
      "- [FLOW_STATS] 239.1.1.1:3 packets=20 bytes=2000 pps=3 bps=2081",
      "- [FLOW_STATS] 239.1.1.1:1 packets=10 bytes=1000 pps=1 bps=800",
    ]);
    expect(tickAt(2000)).toHaveLength(1);
    world.flows = Array.from({ length: limits.logFlowsMax + 7 }, (_, port) => flow(port, 50, 1));
    const said = tickAt(3000);
    expect(said).toHaveLength(1 + limits.logFlowsMax + 1);
    expect(said.at(-1)).toContain("7 more flows");
  });

  test("come after so many datagrams sent when the interval is 0", () => {
    const { world, tickAt } = lines(0);
    world.counters.set("out sent", 9_999);
    expect(tickAt(100_000)).toEqual([]);
    world.counters.set("out sent", 10_000);
    expect(tickAt(100_001)).toHaveLength(1);
    expect(tickAt(100_002)).toEqual([]);
  });
});
