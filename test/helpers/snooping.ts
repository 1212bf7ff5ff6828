// A switch that snoops between a generator and a relay: the namespaces gen, other, switch, relay and sink of a lab.
import { patternPayload, udpFrame } from "./frames.ts";
import { type BridgeOptions, Lab } from "./namespaces.ts";
import { rawsend } from "./rawsend.ts";

/** That lab: port p0 of the switch leads to gen, p1 to relay, p2 to other, who listens to nothing; behind the relay is sink. */
export function snoopingBench(label: string, bridge: Omit<BridgeOptions, "snooping">): Lab {
  const lab = Lab.create(label);
  lab.veth({ ns: "gen", link: "out0", address: "10.0.1.1/24" }, { ns: "switch", link: "p0" });
  lab.veth({ ns: "relay", link: "in0", address: "10.0.1.2/24" }, { ns: "switch", link: "p1" });
  lab.veth({ ns: "other", link: "in0", address: "10.0.1.3/24" }, { ns: "switch", link: "p2" });
  lab.veth({ ns: "relay", link: "out0", address: "10.0.2.1/24" }, { ns: "sink", link: "in0", address: "10.0.2.2/24" });
  lab.bridge("switch", "br0", ["p0", "p1", "p2"], { ...bridge, snooping: true });
  return lab;
}

/** The groups that the switch sends to its port p1, where the relay is. */
export function learnt(lab: Lab): string[] {
  const table = lab.exec("switch", ["bridge", "mdb", "show", "dev", "br0"]).stdout;
  return [...table.matchAll(/port p1 grp (239\S+)/g)].map(([, group = ""]) => group);
}

/** A switch that has just heard of a querier floods for a while, also groups it has learnt: to port p2, where nobody listens. */
export function isFlooding(lab: Lab): boolean {
  const before = heardByOther(lab);
  const flow = { source: "10.0.1.1", destination: "239.1.1.1", sourcePort: 9, destinationPort: 9 };
  rawsend(lab, "gen", "out0", [udpFrame(flow, patternPayload(18))]);
  return heardByOther(lab) > before;
}

/** Frames that the link at port p2 has received. */
export function heardByOther(lab: Lab): number {
  return Number(/RX:.*\n\s+\d+\s+(\d+)/.exec(lab.ip("other", "-s link show dev in0"))?.[1]);
}
