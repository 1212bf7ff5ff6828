// Ends after the tap what rules consume: keeps the program at tc ingress of captured links, and its map of rules, in line with
// what runs and with who else on this host listens. Without the program the relay works as well, at the cost of the climb
// that every datagram then makes for nothing.
import { formatIpv4, parseIpv4 } from "../../base/ipv4.ts";
import { limits } from "../../limits.ts";
import { ruleMax } from "../../relay/counters.ts";
import { isRanged } from "../../rules/precedence.ts";
import { portsOf } from "../../rules/range.ts";
import type { Rule } from "../../rules/schema.ts";
import { errno } from "../../shim/errno.ts";
import { EndingProgram, type ProgramCounts, type ProgramKey, type ProgramRule } from "../../shim/program.ts";
import { type Failure, failureText, isFailure } from "../../shim/socket.ts";
import type { Link } from "../kernel/links.ts";
import { FormerEnding } from "../succession/former-ending.ts";
import type { EndingWill } from "../succession/will.ts";
import { Attachments } from "./attachments.ts";
import {
  type Basis,
  basisOf,
  EndingFacts,
  type EndingRule,
  isSameBasis,
  type Running,
  type Surroundings,
} from "./ending-facts.ts";
import { type Facts, reasonToPass } from "./ending-policy.ts";

/** Whether the datagrams of a rule end after the tap, or why they go on to this host. */
export type Verdict = { ended: true } | { ended: false; ended_reason: string };

/** What it looks at, and whom it tells. */
export type EndingParts = Surroundings & {
  onNews: (level: "Info" | "Warning" | "Error", message: string, fields?: Record<string, string | number>) => void;
};

type Known = { verdict: Verdict | undefined; key: ProgramKey | undefined; counter: number };
/** The rules of one destination: the one for every source, and those for one. */
type Shelf = { any: ProgramRule | undefined; sourceCount: number };

/** The program, or the lack of it. Everything here is at once: no call waits. */
export class Ending {
  /** Why nothing is ended at all; undefined: the program is loaded. */
  readonly unavailable: string | undefined;
  private readonly parts: EndingParts;
  // Undefined after close too: a change that was under way may come back to sync().
  private program: EndingProgram | undefined;
  private attachments: Attachments | undefined;
  private readonly known = new Map<number, Known>();
  private readonly shelves = new Map<string, Shelf>();
  private readonly linkFailures = new Map<number, string>();
  private readonly facts: EndingFacts;
  private readonly news: { rule: string; reason: string | undefined }[] = [];
  /** What the supervisor before us left. */
  readonly former = new FormerEnding();
  // What the last sync() went by: when nothing of it changed, nothing has to be done.
  private settled: Basis | undefined;

  /** Loads the program; what forbids it is said once, here and in `unavailable`. */
  constructor(parts: EndingParts) {
    this.parts = parts;
    this.facts = new EndingFacts(parts);
    const program = EndingProgram.open({ rulesMax: 2 * ruleMax, countersMax: ruleMax });
    if (isFailure(program)) {
      this.unavailable = unavailableText(program);
      parts.onNews("Warning", `what rules consume goes on into this host's IP stack too: ${this.unavailable}`);
      return;
    }
    this.program = program;
    this.attachments = new Attachments(program);
  }

  /** How the program is attached to a link, if it is. */
  wayOf(linkIndex: number): string | undefined {
    return this.attachments?.wayOf(linkIndex);
  }

  /** What is known of a rule that runs. */
  verdictOf(serial: number): Verdict | undefined {
    return this.unavailable === undefined
      ? this.known.get(serial)?.verdict
      : { ended: false, ended_reason: this.unavailable };
  }

  /** What arrived for a rule while the program looked, undefined when it never did. */
  counts(serial: number): ProgramCounts | undefined {
    const known = this.known.get(serial);
    return this.former.plus(serial, known?.key && this.program?.counts(known.counter));
  }

  /** For the supervisor after us: what was counted, and the descriptors that keep the program in place until it has its own there. */
  get bequest(): EndingWill {
    const counts = [...this.known.keys()].flatMap((serial) => {
      const found = this.counts(serial);
      return found === undefined ? [] : [{ serial, ...found }];
    });
    return { fds: [...(this.attachments?.descriptors ?? []), ...(this.program?.doorDescriptors ?? [])], counts };
  }

  /** Leaves the frames of a rule alone from now on: before workers are told that it goes or changes. */
  take(serial: number): void {
    this.settled = undefined;
    const known = this.known.get(serial);
    if (known?.key !== undefined) {
      this.unshelve(known.key);
      known.key = undefined;
      known.verdict = undefined;
    }
  }

  /** A link is gone, or is another one under the same index: what was attached is attached anew where it is wanted. */
  leaveLink(linkIndex: number): void {
    this.settled = undefined;
    this.attachments?.detach(linkIndex);
  }

  /** Looks anew who else listens; sync() must follow. */
  look(): void {
    this.facts.look();
  }

  /** Brings everything in line with `running`, all rules that workers have at this moment. */
  sync(running: Running): void {
    if (this.attachments === undefined) {
      return;
    }
    this.attach(this.attachments, new Set(running.links.map(({ index }) => index)));
    const facts = this.facts.now(running);
    const basis = basisOf(running, facts, this.linkFailures);
    if (this.settled !== undefined && isSameBasis(this.settled, basis)) {
      return;
    }
    this.settled = basis;
    const serials = new Set(running.rules.map(({ serial }) => serial));
    for (const serial of this.known.keys()) {
      if (!serials.has(serial)) {
        this.take(serial);
      }
    }
    for (const each of running.rules) {
      this.settle(each, facts);
    }
    this.tell();
  }

  /** Forgets a rule that was removed. */
  forget(serial: number): void {
    this.take(serial);
    this.known.delete(serial);
    this.former.forget(serial);
  }

  close(): void {
    this.facts.close();
    this.attachments?.close();
    this.program?.close();
    this.attachments = undefined;
    this.program = undefined;
  }

  private attach(attachments: Attachments, wanted: ReadonlySet<number>): void {
    for (const linkIndex of attachments.links().filter((each) => !wanted.has(each))) {
      attachments.detach(linkIndex);
    }
    this.linkFailures.clear();
    for (const linkIndex of wanted) {
      const failure = attachments.wayOf(linkIndex) === undefined ? attachments.attach(linkIndex) : undefined;
      if (failure !== undefined) {
        this.linkFailures.set(linkIndex, `the program could not be attached: ${failureText(failure)}`);
      }
    }
  }

  private settle(each: EndingRule, facts: Facts | string): void {
    const { serial, rule, link, counter } = each;
    const known = this.known.get(serial) ?? this.begin(serial, counter);
    const reason =
      this.linkFailures.get(link.index) ?? (typeof facts === "string" ? facts : reasonToPass(rule, link, facts));
    if (isRanged(rule)) {
      // Nothing of it stands in the map: an entry says one address and port.
      if (known.verdict === undefined) {
        this.note(known, rule, reason);
      }
      return;
    }
    const key = keyOf(rule, link);
    const isSame = known.key?.link === key.link && known.verdict?.ended === (reason === undefined);
    if (!isSame) {
      this.take(serial);
      const failure = this.shelve(key, { counter, isEnded: reason === undefined, hasSources: false });
      known.key = failure === undefined ? key : undefined;
      this.note(known, rule, reason ?? (failure && failureText(failure)));
    } else if (known.verdict?.ended === false && reason !== undefined) {
      known.verdict = { ended: false, ended_reason: reason };
    }
  }

  /** The counter may have been that of a rule that is gone. */
  private begin(serial: number, counter: number): Known {
    const known: Known = { verdict: undefined, key: undefined, counter };
    this.program?.clear(counter);
    this.known.set(serial, known);
    return known;
  }

  private note(known: Known, rule: Rule, reason: string | undefined): void {
    known.verdict = reason === undefined ? { ended: true } : { ended: false, ended_reason: reason };
    this.news.push({ rule: rule.rule_id, reason });
  }

  /** What changed, a line a rule; of many, how many there were of each kind. */
  private tell(): void {
    const told = this.news.splice(0);
    const { onNews } = this.parts;
    const messageOf = (reason: string | undefined) =>
      reason === undefined ? "datagrams end after the tap" : "datagrams go on into this host too";
    if (told.length <= limits.changesToldMax) {
      for (const { rule, reason } of told) {
        onNews("Info", messageOf(reason), { rule, ...(reason === undefined ? {} : { reason }) });
      }
      return;
    }
    for (const [message, some] of Map.groupBy(told, ({ reason }) => messageOf(reason))) {
      onNews("Info", message, { rules: some.length });
    }
  }

  /** A rule for one source stands beside the key for every source, which says that it has to be looked for. */
  private shelve(key: ProgramKey, rule: ProgramRule): Failure | undefined {
    const shelf = this.shelfOf(key);
    if (key.source === 0) {
      shelf.any = rule;
    } else {
      const failure = this.program?.put(key, rule);
      if (failure !== undefined) {
        return failure;
      }
      shelf.sourceCount++;
    }
    return this.writeShelf(key, shelf);
  }

  private unshelve(key: ProgramKey): void {
    const shelf = this.shelfOf(key);
    if (key.source === 0) {
      shelf.any = undefined;
      this.writeShelf(key, shelf);
      return;
    }
    this.program?.take(key);
    shelf.sourceCount--;
    this.writeShelf(key, shelf);
  }

  private shelfOf(key: ProgramKey): Shelf {
    const name = shelfName(key);
    const shelf = this.shelves.get(name) ?? { any: undefined, sourceCount: 0 };
    this.shelves.set(name, shelf);
    return shelf;
  }

  private writeShelf(key: ProgramKey, { any, sourceCount }: Shelf): Failure | undefined {
    const base = { ...key, source: 0 };
    if (any === undefined && sourceCount === 0) {
      this.shelves.delete(shelfName(key));
      this.program?.take(base);
      return undefined;
    }
    const rule = any ?? { counter: undefined, isEnded: false };
    return this.program?.put(base, { ...rule, hasSources: sourceCount > 0 });
  }
}

function keyOf(rule: Rule, link: Link): ProgramKey {
  return {
    link: link.index,
    destination: parseIpv4(rule.input_group) ?? 0,
    source: rule.input_source === undefined ? 0 : (parseIpv4(rule.input_source) ?? 0),
    port: portsOf(rule.input_port).first,
    protocol: rule.input_protocol,
  };
}

function shelfName({ link, destination, port, protocol }: ProgramKey): string {
  return `${link} ${formatIpv4(destination)} ${port} ${protocol}`;
}

function unavailableText(failure: Failure): string {
  const isForbidden = failure.errno === errno.EPERM || failure.errno === errno.EACCES;
  return isForbidden
    ? `eBPF is not permitted (${failureText(failure)}); run it as root, or give the service CAP_BPF and CAP_NET_ADMIN`
    : `this kernel does not take the eBPF program (${failureText(failure)}); it needs Linux 5.10 with CONFIG_BPF_SYSCALL`;
}
