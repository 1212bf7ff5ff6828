import { expect, test } from "bun:test";
import { judgeRouting, parseRoutes, parseVifs, type RoutingFacts } from "../../src/doctor/multicast-routing.ts";

// As Linux 6.18 prints them with smcroute: routes of in0 to out0, and one that nobody wants.
const vifs = `Interface      BytesIn  PktsIn  BytesOut PktsOut Flags Local    Remote
 0 in0              448       7         0       0 00000 0201000A 00000000
 1 out0               0       0       448       7 00000 0102000A 00000000
`;
const cache = `Group    Origin   Iif     Pkts    Bytes    Wrong Oifs
010101EF 0101000A 0          7      448        0  1:1  
020101EF 0101000A -1         0        0        0
`;

test("the kernel's tables are read: links by number, groups that leave somewhere", () => {
  expect([...parseVifs(vifs)]).toEqual([
    [0, "in0"],
    [1, "out0"],
  ]);
  expect(parseRoutes(cache)).toEqual([{ group: "239.1.1.1", vif: 0 }]);
  expect([[...parseVifs("")], parseRoutes("")]).toEqual([[], []]);
});

const facts: RoutingFacts = {
  routed: new Set(["in0", "out0"]),
  routes: [{ group: "239.1.1.1", link: "in0" }],
  inputs: [{ link: "in0", group: "239.1.1.1" }],
  daemon: { pid: 42, name: "smcrouted" },
};
const judged = (changes: Partial<RoutingFacts>) => judgeRouting({ ...facts, ...changes })[0];

test("a group that both forward is an error that names it, and the program to end", () => {
  expect(judged({})).toMatchObject({
    severity: "error",
    what: "The kernel forwards what rules relay: 239.1.1.1 from in0.",
    commands: [{ run: ["kill", "42"] }],
    advice: expect.stringContaining("stop smcrouted"),
  });
  expect(judged({ daemon: undefined })?.commands).toBeUndefined();
});

test("another group of the same link is a warning, another link a note, no routing fine", () => {
  expect(judged({ inputs: [{ link: "in0", group: "239.9.9.9" }] })?.severity).toBe("warning");
  expect(judged({ inputs: [{ link: "in1", group: "239.1.1.1" }] })?.severity).toBe("note");
  expect(judged({ inputs: [] })?.severity).toBe("note");
  expect(judged({ routed: new Set() })?.severity).toBe("fine");
});
