// The checks that are made for each link: gathers what /sys, /proc and the driver say, and hands it to the judges.
import { type BridgeFacts, judgeBridge } from "./bridges.ts";
import { isOlder, releaseOf } from "./kernel.ts";
import { cpuList } from "./machine.ts";
import { judgeNamedLink } from "./named-links.ts";
import { judgeOffloads } from "./offloads.ts";
import { nativeOf, type Place } from "./place.ts";
import { type Interrupt, judgeQueues, type QueueFacts } from "./queues.ts";
import { judgeReversePath } from "./reverse-path.ts";
import { unseen, type Verdict } from "./verdict.ts";

const classNet = "/sys/class/net";

/** All that concerns links: those of rules, and those that the operator named. */
export function checkLinks(place: Place): Verdict[] {
  const all = [...new Set([...place.named, ...place.inputs, ...place.outputs])];
  if (all.length === 0) {
    return [
      unseen("links", "No rule runs and no link was named: offloads, queues and bridges wait for --interface NAME."),
    ];
  }
  const hidden = foreignSysfs(place);
  if (hidden !== undefined) {
    return [hidden];
  }
  const present = all.filter((link) => place.machine.has(`${classNet}/${link}`));
  return [
    ...place.named.flatMap((name) => judgeNamedLink({ name, state: stateOf(place, name), known: linksOf(place) })),
    ...present.flatMap((link) => checkLink(place, link)),
    ...bridgesOf(place, present).flatMap(judgeBridge),
  ];
}

/** /sys shows the network namespace it was mounted in, which `nsenter` and some containers leave behind. */
function foreignSysfs(place: Place): Verdict | undefined {
  const own = place.machine.text("/proc/self/net/dev") ?? "";
  const names = own.split("\n").flatMap((line) => /^\s*([^\s:|]+):/.exec(line)?.[1] ?? []);
  const seen = linksOf(place);
  return names.every((name) => seen.includes(name)) && seen.every((name) => names.includes(name))
    ? undefined
    : unseen(
        "links",
        "/sys shows another network namespace than this one: enter it with 'ip netns exec', not with nsenter.",
      );
}

/** Links of this namespace; /sys/class/net also holds a file or two that are none. */
function linksOf({ machine }: Place): string[] {
  return machine.names(classNet).filter((name) => machine.has(`${classNet}/${name}/ifindex`));
}

// IFF_UP of linux/if.h. `carrier` cannot be read while a link is down.
function stateOf({ machine }: Place, link: string): "missing" | "down" | "up" {
  const flags = machine.number(`${classNet}/${link}/flags`);
  if (flags === undefined) {
    return "missing";
  }
  return (flags & 1) === 1 && machine.number(`${classNet}/${link}/carrier`) === 1 ? "up" : "down";
}

function checkLink(place: Place, link: string): Verdict[] {
  const { machine } = place;
  const [isInput, isOutput] = [
    place.inputs.includes(link) || place.named.includes(link),
    place.outputs.includes(link) || place.named.includes(link),
  ];
  const driver = nativeOf(place)?.driver(link);
  const hasVlans = machine
    .names(`${classNet}/${link}`)
    .some((name) => name.startsWith("upper_") && isVlan(place, name));
  const setting = (of: string) => machine.number(`/proc/sys/net/ipv4/conf/${of}/rp_filter`);
  return [
    ...judgeOffloads({ link, isInput, isOutput, hasVlans, features: undefined, ...driver }),
    ...(isInput ? judgeQueues(queueFacts(place, link, driver?.channels)) : []),
    ...(isInput ? judgeReversePath({ link, all: setting("all"), own: setting(link) }) : []),
  ];
}

function isVlan({ machine }: Place, upper: string): boolean {
  return /^DEVTYPE=vlan$/m.test(machine.text(`${classNet}/${upper.slice("upper_".length)}/uevent`) ?? "");
}

function queueFacts(place: Place, link: string, channels: QueueFacts["channels"]): QueueFacts {
  const { machine, supervisor } = place;
  const folder = `${classNet}/${link}/queues`;
  const workers = supervisor.kind === "answers" ? supervisor.status.workers : [];
  return {
    link,
    cores: cpuList(machine.text("/sys/devices/system/cpu/online") ?? "0"),
    workerCores: [...new Set(workers.map(({ core }) => core))],
    queues: machine
      .names(folder)
      .filter((name) => name.startsWith("rx-"))
      .map((name) => ({ name, rpsCores: coresOfMask(machine.text(`${folder}/${name}/rps_cpus`) ?? "") })),
    channels,
    interrupts: interruptsOf(place, link),
  };
}

/** Interrupts of the card, or of the virtio device behind it, that came at least once. */
function interruptsOf({ machine }: Place, link: string): Interrupt[] {
  const device = machine.real(`${classNet}/${link}/device`);
  if (device === undefined) {
    return [];
  }
  const counts = countsOf(machine.text("/proc/interrupts") ?? "");
  const numbers = [device, device.slice(0, device.lastIndexOf("/"))].map((path) => machine.names(`${path}/msi_irqs`));
  return (numbers.find((names) => names.length > 0) ?? []).flatMap((number) => {
    const cores =
      machine.text(`/proc/irq/${number}/effective_affinity_list`) ??
      machine.text(`/proc/irq/${number}/smp_affinity_list`);
    return cores === undefined || (counts.get(number) ?? 0) === 0
      ? []
      : [{ number: Number(number), cores: cpuList(cores) }];
  });
}

/** How often each interrupt came, over all cores; proc_interrupts(5). */
function countsOf(text: string): Map<string, number> {
  const [head = "", ...lines] = text.split("\n");
  const cores = head.trim().split(/\s+/).length;
  return new Map(
    lines.map((line) => {
      const [number = "", ...fields] = line.trim().split(/\s+/);
      return [number.replace(":", ""), fields.slice(0, cores).reduce((sum, field) => sum + Number(field), 0)];
    }),
  );
}

/** Cores of a mask such as `00000000,00000003`. */
function coresOfMask(mask: string): number[] {
  const bits = [...mask.replaceAll(",", "")].toReversed();
  return bits.flatMap((digit, at) =>
    [0, 1, 2, 3].filter((bit) => ((Number.parseInt(digit, 16) >> bit) & 1) === 1).map((bit) => at * 4 + bit),
  );
}

/** Bridges that links are, stand on, or belong to. */
function bridgesOf(place: Place, links: readonly string[]): BridgeFacts[] {
  const { machine } = place;
  const near = links.flatMap((link) => [
    link,
    machine.target(`${classNet}/${link}/master`) ?? link,
    ...machine
      .names(`${classNet}/${link}`)
      .filter((name) => name.startsWith("lower_"))
      .map((name) => name.slice("lower_".length)),
  ]);
  const bridges = [...new Set(near)].filter((name) => machine.has(`${classNet}/${name}/bridge`));
  const queriers = bridges.length === 0 ? undefined : nativeOf(place)?.queriers();
  return bridges.map((bridge) => ({
    bridge,
    isSnooping: machine.number(`${classNet}/${bridge}/bridge/multicast_snooping`) === 1,
    isQuerier: machine.number(`${classNet}/${bridge}/bridge/multicast_querier`) === 1,
    // An older kernel never says that there is one.
    hasQuerier: isOlder(releaseOf(machine), 5, 16) ? undefined : queriers?.get(bridge),
  }));
}
