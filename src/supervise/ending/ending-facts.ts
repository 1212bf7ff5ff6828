// What the decision to end a rule's datagrams after the tap rests on (ending-policy.ts): links, their use, and who else listens
// on this host, looked at no more than has to be.
import { readFileSync } from "node:fs";
import { reasonOf } from "../../base/outcome.ts";
import { limits } from "../../limits.ts";
import type { Rule } from "../../rules/schema.ts";
import type { Link } from "../kernel/links.ts";
import { type Facts, type LinkUse, takerOf } from "./ending-policy.ts";
import { ListenerLook, type Listeners } from "./listeners.ts";

/** A rule that runs: whose datagrams it is about, where they arrive, and its place in the counters. */
export type EndingRule = { serial: number; counter: number; rule: Rule; link: Link };

/** All that run, their links and ports: made when rules or links change, because it is looked at twice a second. */
export type Running = { rules: readonly EndingRule[]; links: readonly Link[]; ports: ReadonlySet<number> };

/** What is looked at of `rules`. */
export function runningOf(rules: readonly EndingRule[]): Running {
  const links = new Map(rules.map(({ link }) => [link.index, link]));
  // Rules with ranges never end (ending.ts): nobody asks who else wants theirs.
  const ports = rules.flatMap(({ rule: { input_port: port } }) => (typeof port === "number" ? [port] : []));
  return { rules, links: [...links.values()], ports: new Set(ports) };
}

/** What runs while no worker does. */
export const nothingRuns = runningOf([]);

/** What is looked at. */
export type Surroundings = {
  links: { table(): ReadonlyMap<string, Link> };
  /** By groupKey, how many sockets of this process hold a group. */
  ownMemberships: () => ReadonlyMap<string, number>;
};

/** The facts as they are now, or why they are not known. */
export class EndingFacts {
  private readonly surroundings: Surroundings;
  private readonly listenerLook = new ListenerLook();
  private listeners: Listeners | string = "not looked yet";
  private ports: ReadonlySet<number> = new Set();
  private isStale = true;
  private notBeforeMs = Number.NEGATIVE_INFINITY;

  constructor(surroundings: Surroundings) {
    this.surroundings = surroundings;
  }

  /** A period has passed: now() is to look anew who listens. */
  look(): void {
    this.isStale = true;
  }

  /**
   * Links as they are; listeners as of the last look, which is made anew when a period has passed, or when one of `running` has a
   * port that it did not ask for.
   */
  now({ ports }: Running): Facts | string {
    const startMs = performance.now();
    const isNew = ports !== this.ports && !ports.isSubsetOf(this.ports);
    if (isNew || (this.isStale && startMs >= this.notBeforeMs)) {
      this.isStale = false;
      this.ports = ports;
      this.listeners = this.readListeners();
      const endMs = performance.now();
      // Thousands of groups and sockets take their time: looking stays a small share of it.
      this.notBeforeMs = endMs + (endMs - startMs) / limits.listenersShareMax;
    }
    return typeof this.listeners === "string" ? this.listeners : this.factsOf(this.listeners);
  }

  close(): void {
    this.listenerLook.close();
  }

  private factsOf(listeners: Listeners): Facts {
    const table = this.surroundings.links.table();
    const uses = new Map<number, LinkUse>();
    const useOf = (link: Link) => {
      const use = uses.get(link.index) ?? readUse(link, table);
      uses.set(link.index, use);
      return use;
    };
    const addresses = [...table.values()].flatMap((link) => link.addresses.map(({ address }) => address));
    return { listeners, useOf, addresses: new Set(addresses) };
  }

  private readListeners(): Listeners | string {
    try {
      return this.listenerLook.look(this.surroundings.ownMemberships(), this.ports);
    } catch (thrown) {
      return `who else listens on this host cannot be read: ${reasonOf(thrown)}`;
    }
  }
}

/** Everything a verdict goes by; `uses`: of the input links, the addresses of this host and what could not be attached, as text. */
export type Basis = { running: Running; listeners: Listeners | string; uses: string };

/** The basis of the verdicts on `running`. */
export function basisOf(running: Running, facts: Facts | string, linkFailures: ReadonlyMap<number, string>): Basis {
  if (typeof facts === "string") {
    return { running, listeners: facts, uses: "" };
  }
  const uses = running.links.map((link) => [link.index, facts.useOf(link)]);
  return {
    running,
    listeners: facts.listeners,
    uses: JSON.stringify([uses, [...facts.addresses], [...linkFailures]]),
  };
}

/** True when the same verdicts would come of both. What runs and who listens is compared by identity. */
export function isSameBasis(one: Basis, other: Basis): boolean {
  return one.running === other.running && one.listeners === other.listeners && one.uses === other.uses;
}

/** What else takes the frames of a link, and whether the kernel routes them; what cannot be read counts as yes. */
function readUse(link: Link, table: ReadonlyMap<string, Link>): LinkUse {
  return {
    takenBy: takerOf(link, table),
    forwardsMulticast: readSetting(link.name, "mc_forwarding") !== "0",
    forwardsUnicast: readSetting(link.name, "forwarding") !== "0",
  };
}

function readSetting(linkName: string, key: string): string {
  try {
    return readFileSync(`/proc/sys/net/ipv4/conf/${linkName}/${key}`, "utf8").trim();
  } catch (thrown) {
    // The link has just gone, or /proc hides it.
    return reasonOf(thrown);
  }
}
