// What a link's driver does to frames before the relay sees them, or after it sent them. Names as `ethtool -k` lists them in
// the kernel's words (net/ethtool/common.c, netdev_features_strings).
import type { LinkFeature } from "../shim/ethtool.ts";
import type { Command, Verdict } from "./verdict.ts";
import { fine, unseen } from "./verdict.ts";

/** One link. `features` undefined: they could not be asked for, and `refusal` says why. */
export type OffloadFacts = {
  link: string;
  isInput: boolean;
  isOutput: boolean;
  hasVlans: boolean;
  features: ReadonlyMap<string, LinkFeature> | undefined;
  refusal?: string;
};

// Both let GRO merge UDP for a host that only forwards; plain GRO merges UDP only for sockets that asked for it.
const mergers = ["rx-gro-list", "rx-udp-gro-forwarding"] as const;
const checksums = ["tx-checksum-ip-generic", "tx-checksum-ipv4"] as const;

/** GRO, LRO and VLAN tags on inputs; checksums on outputs, on which segmentation stands. */
export function judgeOffloads(facts: OffloadFacts): Verdict[] {
  const { link, features, isInput, isOutput } = facts;
  if (features === undefined) {
    return [
      unseen(
        "offloads",
        `The features of ${link} could not be read${facts.refusal ? ` (${facts.refusal})` : ""}.`,
        link,
      ),
    ];
  }
  return [
    ...(isInput ? [judgeMerging(link, features), ...judgeVlan(facts, features)] : []),
    ...(isOutput ? [judgeSegmentation(link, features)] : []),
  ];
}

function judgeMerging(link: string, features: ReadonlyMap<string, LinkFeature>): Verdict {
  const isOn = (name: string) => features.get(name)?.isOn === true;
  const merging = mergers.filter(isOn);
  if (merging.length > 0 && isOn("rx-gro")) {
    return {
      id: "gro",
      severity: "warning",
      link,
      what: `${link} merges UDP datagrams into super-frames before they are captured (${merging.join(", ")}).`,
      why: "They are taken apart again, but each passes one of few large slots; under load some are refused (large_slots_full).",
      commands: [ethtool(link, merging, "off")],
    };
  }
  if (isOn("rx-lro")) {
    return {
      id: "gro",
      severity: "warning",
      link,
      what: `${link} merges frames in the card (large-receive-offload).`,
      why: "Merged frames lose where one datagram ended; Linux itself turns it off where it forwards.",
      commands: [ethtool(link, ["rx-lro"], "off")],
    };
  }
  return fine("gro", `${link} does not merge UDP datagrams`, link);
}

function judgeVlan({ link, hasVlans }: OffloadFacts, features: ReadonlyMap<string, LinkFeature>): Verdict[] {
  const parse = features.get("rx-vlan-hw-parse");
  if (!hasVlans || parse === undefined) {
    return [];
  }
  if (parse.isOn) {
    return [fine("vlan-offload", `${link} takes VLAN tags off in the card`, link)];
  }
  return [
    {
      id: "vlan-offload",
      severity: "note",
      link,
      what: `${link} carries VLANs, and its tags are taken off by the CPU (rx-vlan-hw-parse is off).`,
      why: "It works, and costs some CPU for every frame.",
      ...(parse.isFixed
        ? { advice: "Its driver cannot do it." }
        : { commands: [ethtool(link, ["rx-vlan-hw-parse"], "on")] }),
    },
  ];
}

function judgeSegmentation(link: string, features: ReadonlyMap<string, LinkFeature>): Verdict {
  const known = checksums.flatMap((name) => {
    const feature = features.get(name);
    return feature === undefined ? [] : [{ name, ...feature }];
  });
  if (known.some(({ isOn }) => isOn)) {
    return fine("gso", `${link} takes many datagrams in one send`, link);
  }
  const changeable = known.filter(({ isFixed }) => !isFixed).map(({ name }) => name);
  if (changeable.length === 0) {
    return fine("gso", `${link} has no checksum offload to turn on`, link);
  }
  return {
    id: "gso",
    severity: "warning",
    link,
    what: `Checksum offload of ${link} is off.`,
    why: "The kernel then refuses to cut one send into many datagrams (UDP_SEGMENT) or does it slowly: several times the CPU.",
    commands: [ethtool(link, changeable.slice(0, 1), "on")],
  };
}

function ethtool(link: string, names: readonly string[], state: "on" | "off"): Command {
  return { run: ["ethtool", "-K", link, ...names.flatMap((name) => [name, state])] };
}
