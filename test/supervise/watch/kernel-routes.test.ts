import { describe, expect, test } from "bun:test";
import { parseIpv4 } from "../../../src/base/ipv4.ts";
import type { LiveRule } from "../../../src/supervise/rules/live-rule.ts";
import { duplicates, type KernelRoute, routesIn } from "../../../src/supervise/watch/kernel-routes.ts";

const address = (text: string) => parseIpv4(text) ?? 0;

// As net/ipv4/ipmr.c prints them: addresses as words of memory, unresolved entries without counts and links.
const vifs = `Interface      BytesIn  PktsIn  BytesOut PktsOut Flags Local    Remote
 0 in0              0       0         0       0 00008 00000002 00000000
 1 out0             0       0         0       0 00008 00000003 00000000
12 out1.600         0       0         0       0 00008 00000004 00000000
`;
const cache = `Group    Origin   Iif     Pkts    Bytes    Wrong Oifs
010101EF 0101000A 0           10     1000        0  1:1   12:1  
020101EF 00000000 0            0        0        0  1:1  
030101EF 0101000A 0            7      700        0
040101EF 0101000A -1           0        0        0
`;

test("routes that lead somewhere are read from the kernel's two files", () => {
  expect(routesIn(vifs, cache)).toEqual([
    { group: address("239.1.1.1"), source: address("10.0.1.1"), input: "in0", outputs: ["out0", "out1.600"] },
    { group: address("239.1.1.2"), source: 0, input: "in0", outputs: ["out0"] },
  ]);
  expect(routesIn("", "")).toEqual([]);
});

describe("a rule", () => {
  const route: KernelRoute = { group: address("239.1.1.1"), source: 0, input: "in0", outputs: ["out0"] };

  function live(output: string, change: Partial<LiveRule["rule"]> = {}, pending?: string): LiveRule {
    const [group = "", link = ""] = output.split(" ");
    const out = { group, port: 1, interface: link };
    return {
      rule: {
        ...{ rule_id: "r", input_interface: "in0", input_group: "239.1.1.1", input_port: 1, input_protocol: 17 },
        ...{ outputs: [out], source: "Dynamic", ...change },
      },
      ...{ serial: 1, counter: 0, sinceMs: 0, captures: [], uncaptured: [], pending },
      outputs: [
        {
          ...{ output: out, ttl: 1, counter: 0, id: 1, fd: 1, pending: undefined },
          ...{ stamp: undefined, mapping: undefined, madeFrom: "" },
        },
      ],
    };
  }

  test.each<[what: string, live: LiveRule, routes: KernelRoute[], says: RegExp | undefined]>([
    ["that sends the same on", live("239.1.1.1 out0"), [route], /routes 239.1.1.1 from in0 to out0 as well.*twice/],
    ["that sends to another group", live("239.9.9.9 out0"), [route], undefined],
    ["that sends by another link", live("239.1.1.1 out1"), [route], undefined],
    ["that waits", live("239.1.1.1 out0", {}, "in0 is down"), [route], undefined],
    ["for another source", live("239.1.1.1 out0", { input_source: "10.0.0.2" }), [{ ...route, source: 1 }], /mixed/],
    ["for any source of it", live("239.1.1.1 out0", { input_source: "10.0.0.2" }), [route], /twice/],
    [
      "into which the kernel mixes another stream",
      live("239.1.1.1 out0"),
      [{ ...route, input: "in7" }],
      /from in7.*mixed/,
    ],
    ["to a host", live("10.0.0.7 out0"), [{ ...route, group: address("10.0.0.7") }], undefined],
  ])("%s", (_, rule, routes, says) => {
    const [text] = duplicates(routes, [rule], () => false).get("r") ?? [];
    if (says === undefined) expect(text).toBeUndefined();
    else expect(text).toMatch(says);
  });

  test("whose datagrams end after the tap reaches no kernel route", () => {
    expect(duplicates([route], [live("239.1.1.1 out0")], () => true).size).toBe(0);
  });
});
