// Over how many cores a link's frames are spread, and where its interrupts land: RSS, RPS, IRQ affinity
// (Documentation/networking/scaling.rst).
import type { LinkChannels } from "../shim/ethtool.ts";
import { cpuMask } from "./machine.ts";
import { fine, type Verdict } from "./verdict.ts";

/** One interrupt of the link's device that has come at least once, and the cores it is delivered to. */
export type Interrupt = { number: number; cores: readonly number[] };

/** One input link. `workerCores`: those that workers run on, empty when none are known. */
export type QueueFacts = {
  link: string;
  cores: readonly number[];
  workerCores: readonly number[];
  /** Of each receive queue: the cores that RPS spreads it over, empty when it is off. */
  queues: readonly { name: string; rpsCores: readonly number[] }[];
  channels: LinkChannels | undefined;
  interrupts: readonly Interrupt[];
};

const why =
  "The kernel's part of receiving is then one core's work, however many there are; at its limit frames are lost.";

/** Whether one core does the receiving alone while others could. */
export function judgeQueues(facts: QueueFacts): Verdict[] {
  const { link, cores, queues } = facts;
  if (cores.length <= 1) {
    return [fine("queues", "one core: nothing to spread", link)];
  }
  const piled = piledUp(facts);
  if (piled !== undefined) {
    return [piled];
  }
  const [first] = queues;
  const isSpread = queues.length > 1 || (first !== undefined && first.rpsCores.length > 1);
  const verdict = isSpread || first === undefined ? spread(facts) : concentrated(facts, first.name);
  const crowd = crowded(facts);
  return crowd === undefined ? [verdict] : [verdict, crowd];
}

function spread({ link, queues, cores, channels }: QueueFacts): Verdict {
  const better = moreChannels(link, channels, cores.length);
  if (better === undefined) {
    return fine("queues", `${link} receives through ${queues.length} queues`, link);
  }
  return {
    id: "queues",
    severity: "note",
    link,
    what: `${link} receives through ${queues.length} queues; it has more, and there are ${cores.length} cores.`,
    why,
    commands: [better],
  };
}

function concentrated({ link, channels, cores }: QueueFacts, queue: string): Verdict {
  const better = moreChannels(link, channels, cores.length);
  return {
    id: "queues",
    severity: "note",
    link,
    what: `${link} has one receive queue, and RPS does not spread it: one of ${cores.length} cores takes all its frames.`,
    why,
    commands: [better ?? { write: cpuMask(cores), to: `/sys/class/net/${link}/queues/${queue}/rps_cpus` }],
  };
}

function moreChannels(link: string, channels: LinkChannels | undefined, cores: number) {
  if (channels === undefined) {
    return undefined;
  }
  const [kind, now, most] =
    channels.combinedMax > 0
      ? (["combined", channels.combined, channels.combinedMax] as const)
      : (["rx", channels.receive, channels.receiveMax] as const);
  const wanted = Math.min(most, cores);
  return wanted > now ? { run: ["ethtool", "-L", link, kind, String(wanted)] as const } : undefined;
}

/** Several queues whose interrupts all go to one core. */
function piledUp({ link, cores, queues, interrupts }: QueueFacts): Verdict | undefined {
  const [first] = interrupts;
  const [core] = first?.cores ?? [];
  const isPiled =
    queues.length > 1 &&
    interrupts.length > 1 &&
    interrupts.every((each) => each.cores.length === 1 && each.cores[0] === core);
  if (!isPiled) {
    return undefined;
  }
  return {
    id: "interrupts",
    severity: "warning",
    link,
    what: `${link} has ${queues.length} receive queues, and core ${core} gets the interrupts of all of them.`,
    why,
    commands: interrupts.map(({ number }, at) => affinity(number, cores[at % cores.length] ?? 0)),
    advice: "irqbalance may undo this: stop it, or ban these interrupts there.",
  };
}

/** Workers and interrupts on the same cores while others are free. */
function crowded({ cores, workerCores, interrupts, link }: QueueFacts): Verdict | undefined {
  const free = cores.filter((core) => !workerCores.includes(core));
  const landing = interrupts.filter((each) => each.cores.some((core) => workerCores.includes(core)));
  if (workerCores.length === 0 || free.length === 0 || landing.length === 0) {
    return undefined;
  }
  return {
    id: "interrupts",
    severity: "note",
    link,
    what: `Interrupts of ${link} land on cores of workers (${workerCores.join(", ")}), and ${free.join(", ")} are free.`,
    why: "Receiving and relaying then share a core: fewer datagrams a second, and more jitter.",
    commands: landing.map(({ number }, at) => affinity(number, free[at % free.length] ?? 0)),
  };
}

function affinity(interrupt: number, core: number) {
  return { write: String(core), to: `/proc/irq/${interrupt}/smp_affinity_list` };
}
