// The outputs of one rule at run time: a socket each, or the reason why there is none yet.
import { readFileSync } from "node:fs";
import { isMulticast, parseIpv4 } from "../../base/ipv4.ts";
import { Numbers } from "../../base/numbers.ts";
import type { Status } from "../../control/status.ts";
import { limits } from "../../limits.ts";
import type { Mapping } from "../../relay/aim.ts";
import { outputMax } from "../../relay/counters.ts";
import type { Stamp } from "../../relay/stamp.ts";
import { compact } from "../../rules/fields.ts";
import { isMapped, portOf } from "../../rules/mapping.ts";
import { pendingText } from "../../rules/pending.ts";
import { parseOffset, portsOf, prefixOf } from "../../rules/range.ts";
import { type Output, protocols, type Rule } from "../../rules/schema.ts";
import { closeSocket } from "../../shim/socket.ts";
import { clearOutput, type Page } from "../counters/pages.ts";
import type { Link, LinksView } from "../kernel/links.ts";
import { type OutputWish, openOutput } from "./output-sockets.ts";

/** One output as it stands. `id` names its socket in orders and changes with it; `counter` stays. */
export type LiveOutput = {
  readonly output: Output;
  /** What it leaves with; undefined: the kernel's default. */
  readonly ttl: number | undefined;
  readonly counter: number;
  id: number;
  fd: number;
  pending: string | undefined;
  /** What workers write before each datagram, of an output that preserves its sender's address. */
  stamp: Stamp | undefined;
  /** How workers find out where a datagram goes; undefined: its socket is connected to the one place. */
  mapping: Mapping | undefined;
  /** What its socket was made from; another text means that it must be made anew. */
  madeFrom: string;
};

const kernelTtlDefault = 64;
const numbers = new Numbers(outputMax);

/** What outputs get that do not say, nor the file; `sendBufferSize` in bytes. */
export type OutputDefaults = { multicastTtl: number; sendBufferSize: number };

const usualDefaults: OutputDefaults = {
  multicastTtl: limits.multicastTtlDefault,
  sendBufferSize: limits.outputBufferSize,
};

/** Whether this router sends, or waits, joined and warm, to take over from another that does. */
export type Role = NonNullable<Status["role"]>;

/** Opens and closes the sockets of rules' outputs. */
export class Outputs {
  private readonly links: LinksView;
  private readonly pages: () => readonly Page[];
  /** Of multicast outputs that name none, as the file says; undefined: it does not. */
  multicastTtl: number | undefined;
  private readonly defaults: OutputDefaults;
  /** On standby no output has a socket, so nothing can leave, whatever else goes on. */
  role: Role = "active";
  private lastId = 0;

  constructor(
    links: LinksView,
    pages: () => readonly Page[],
    multicastTtl: number | undefined,
    defaults: OutputDefaults = usualDefaults,
  ) {
    this.defaults = defaults;
    this.links = links;
    this.pages = pages;
    this.multicastTtl = multicastTtl;
  }

  /** The number that the newest socket has. */
  get newestId(): number {
    return this.lastId;
  }

  /** Takes outputs of the supervisor before us, whose newest socket had the number `newestId`. */
  inherit(lives: readonly LiveOutput[], newestId: number): void {
    this.lastId = Math.max(this.lastId, newestId);
    for (const { counter } of lives) {
      numbers.claim(counter);
    }
  }

  /** What multicast leaves with when the output does not say. RFC 1112 and MCR: 1. */
  get defaultTtl(): number {
    return this.multicastTtl ?? this.defaults.multicastTtl;
  }

  /** The outputs of `rule`; those that `before` has with the same words keep their sockets and counters. */
  adopt(rule: Rule, before: readonly LiveOutput[]): LiveOutput[] | string {
    const kept = new Map(before.map((live) => [keyOf(live.output, live.ttl), live]));
    const outputs: LiveOutput[] = [];
    for (const output of rule.outputs) {
      const ttl = this.ttlOf(output);
      const key = keyOf(output, ttl);
      const same = kept.get(key);
      kept.delete(key);
      const counter = same === undefined ? numbers.take() : same.counter;
      if (counter === undefined) {
        this.release(outputs.filter((live) => !before.includes(live)));
        return `there are ${outputMax} outputs, the most there can be`;
      }
      if (same === undefined) {
        clearOutput(this.pages(), counter);
      }
      outputs.push(
        same ?? {
          ...{ output, ttl, counter, id: 0, fd: -1 },
          ...{ pending: pendingText("notLooked", {}), stamp: undefined, mapping: undefined, madeFrom: "" },
        },
      );
    }
    return outputs;
  }

  /**
   * Brings one output in line with the links: opens its socket, opens it anew, or gives it up. Returns the socket that is no
   * longer wanted (to be closed once no worker uses it), and whether anything changed.
   */
  settle(live: LiveOutput, rule: Rule): { changed: boolean; stale: number } {
    const link = this.links.table().get(live.output.interface);
    const wish = this.wishOf(live, rule);
    const mapping = mappingOf(live.output, rule);
    // Another place than before, though the words are the same: "+1000" of another port.
    const from = JSON.stringify([this.role, this.basisOf(wish, link), wish.port, mapping]);
    if (live.fd >= 0 && live.madeFrom === from) {
      return { changed: false, stale: -1 };
    }
    const opened =
      this.role === "standby"
        ? { pending: pendingText("standby", {}) }
        : openOutput(this.links, wish, this.defaults.sendBufferSize);
    const stale = live.fd;
    const wasPending = live.pending;
    live.madeFrom = from;
    live.mapping = mapping;
    live.fd = "fd" in opened ? opened.fd : -1;
    live.pending = "fd" in opened ? undefined : opened.pending;
    live.stamp = live.fd >= 0 && wish.isStamped === true ? stampOf(wish) : undefined;
    const changed = live.fd >= 0 || stale >= 0;
    if (changed || live.id === 0) {
      this.lastId++;
      live.id = this.lastId;
    }
    return { changed: changed || wasPending !== live.pending, stale };
  }

  /** Lets go of outputs for good. */
  release(lives: readonly LiveOutput[]): void {
    this.rest(lives);
    for (const live of lives) {
      numbers.give(live.counter);
    }
  }

  /** Closes the sockets of outputs whose rule is disabled; what they counted stays, and settle() opens them anew. */
  rest(lives: readonly LiveOutput[]): void {
    for (const live of lives) {
      if (live.fd >= 0) {
        closeSocket(live.fd);
      }
      live.fd = -1;
      live.pending = pendingText("disabled", {});
      live.madeFrom = "";
    }
  }

  /** What datagrams of an output leave with; undefined: the kernel's default. */
  ttlOf(output: Output): number | undefined {
    return output.ttl ?? (isGroup(output.group) ? this.defaultTtl : undefined);
  }

  /** All that a socket for `wish` depends on: a socket stays as long as this does. */
  private basisOf({ group, sourceIp }: OutputWish, link: Link | undefined): string {
    if (link?.isUp !== true) {
      return JSON.stringify([link?.index]);
    }
    const source = sourceIp === undefined || isOurs(sourceIp, this.links.table());
    // To a group it leaves with the link's first address; to a host the route may choose any.
    const far = isMulticast(group)
      ? [link.addresses[0]?.address]
      : [link.addresses, this.links.hasRoute(group, link.index)];
    return JSON.stringify([link.index, link.name, source, far]);
  }

  private wishOf({ output, ttl }: LiveOutput, rule: Rule): OutputWish {
    const sourceIp = output.source_ip === undefined ? undefined : parseIpv4(output.source_ip);
    return {
      interface: output.interface,
      group: prefixOf(output.group).first,
      port: portOf(output, portsOf(rule.input_port).first),
      protocol: rule.input_protocol,
      isMapped: isMappedBy(output, rule),
      ...compact({ ttl, sourceIp, sourcePort: output.source_port, dscp: output.dscp }),
      isStamped: output.preserve_source === true,
    };
  }
}

function isMappedBy(output: Output, { input_group: group, input_port: port }: Rule): boolean {
  return isMapped(output, { group, port });
}

/** What of `rule` goes where by `output`, when that is not one place. */
function mappingOf(output: Output, rule: Rule): Mapping | undefined {
  if (!isMappedBy(output, rule)) {
    return undefined;
  }
  const { first: group, bits: groupBits } = prefixOf(output.group);
  const { port } = output;
  return typeof port === "number"
    ? { group, groupBits, port, isOffset: false }
    : { group, groupBits, port: parseOffset(port) ?? 0, isOffset: true };
}

function isOurs(address: number, table: ReadonlyMap<string, Link>): boolean {
  return [...table.values()].some((link) => link.addresses.some((each) => each.address === address));
}

function stampOf({ group, port, protocol, ttl, dscp = 0 }: OutputWish): Stamp {
  const isEsp = protocol === protocols.esp;
  return { address: group, port: isEsp ? 0 : port, protocol, ttl: ttl ?? kernelTtl(), tos: dscp << 2 };
}

/** What the kernel gives unicast that says nothing; ip_default_ttl, 64 where that cannot be read. */
function kernelTtl(): number {
  try {
    return Number(readFileSync("/proc/sys/net/ipv4/ip_default_ttl", "utf8")) || kernelTtlDefault;
  } catch {
    // No /proc, or no descriptor to read it with.
    return kernelTtlDefault;
  }
}

function isGroup(address: string): boolean {
  return isMulticast(prefixOf(address).first);
}

function keyOf({ group, port, interface: link, ...how }: Output, ttl: number | undefined): string {
  const { source_ip, source_port, dscp, preserve_source } = how;
  return JSON.stringify([group, port, link, ttl, source_ip, source_port, dscp, preserve_source === true]);
}
