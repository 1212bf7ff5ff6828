// Links come, go, are renamed and renumbered, go down and up. An event that does not fit a link as it is does nothing: `ip -force`.
import type { Lab } from "../../helpers/namespaces.ts";
import { fallOn, type Happening } from "./event.ts";

/** A link that events happen to, with the namespace of its other end. */
type Victim = { name: string; address: string; far: string; farAddress: string };

const victims: readonly Victim[] = [
  { name: "c0", address: "10.0.9.2/24", far: "gen", farAddress: "10.0.9.1/24" },
  { name: "o0", address: "10.0.10.1/24", far: "sink", farAddress: "10.0.10.2/24" },
];

function batch(lab: Lab, ns: string, lines: readonly string[]): void {
  lab.execAnyway(ns, ["ip", "-force", "-batch", "-"], `${lines.join("\n")}\n`);
}

function create(lab: Lab, { name, address, far, farAddress }: Victim): void {
  const farName = `far-${name}`;
  const peer = `type veth peer name ${farName} netns ${lab.ns(far)}`;
  batch(lab, "relay", [`link add name ${name} ${peer}`, `addr add ${address} dev ${name}`, `link set ${name} up`]);
  batch(lab, far, [`addr add ${farAddress} dev ${farName}`, `link set ${farName} up`]);
}

type Change = { what: string; lines: (victim: Victim) => string[]; isRemade?: boolean };

const changes: readonly Change[] = [
  { what: "down", lines: ({ name }) => [`link set ${name} down`] },
  { what: "up", lines: ({ name }) => [`link set ${name} up`] },
  { what: "down and up", lines: ({ name }) => [`link set ${name} down`, `link set ${name} up`] },
  { what: "removed", lines: ({ name }) => [`link del ${name}`] },
  { what: "removed and made anew", lines: ({ name }) => [`link del ${name}`], isRemade: true },
  { what: "made anew where it is missing", lines: () => [], isRemade: true },
  { what: "renamed", lines: ({ name }) => [`link set ${name} down`, `link set ${name} name x${name}`] },
  { what: "given its name back", lines: ({ name }) => [`link set x${name} name ${name}`, `link set ${name} up`] },
  { what: "without its address", lines: ({ name, address }) => [`addr del ${address} dev ${name}`] },
  { what: "with its address", lines: ({ name, address }) => [`addr add ${address} dev ${name}`] },
  { what: "with an MTU of 9000", lines: ({ name }) => [`link set ${name} mtu 9000`] },
];

/** An event in three is for the link on which a counted flow has its second output; it only goes down and up. */
export const link: Happening = ({ lab }, dice) => {
  if (dice % 3 === 0) {
    const state = dice % 2 === 0 ? "down" : "up";
    batch(lab, "relay", [`link set out1 ${state}`]);
    return `out1 ${state}`;
  }
  const victim = fallOn(victims, dice >> 2);
  const change = fallOn(changes, dice >> 4);
  if (victim === undefined || change === undefined) return "no link";
  batch(lab, "relay", change.lines(victim));
  if (change.isRemade) create(lab, victim);
  return `${victim.name} ${change.what}`;
};

/** Every link as it was at the beginning. */
export function restoreLinks(lab: Lab): void {
  batch(lab, "relay", [
    "link set out1 up",
    ...victims.flatMap(({ name }) => [`link del ${name}`, `link del x${name}`]),
  ]);
  for (const victim of victims) create(lab, victim);
}
