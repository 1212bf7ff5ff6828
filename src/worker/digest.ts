// What a half of a worker knows of the rules, as one short text: the supervisor makes the same from its own table and compares.
// A hash over contents, not over names alone: an output that went missing is drift too. Kept up by difference, so that a
// change costs the same however many rules there are.
import type { Half, OrderRule } from "./orders.ts";

/** What each half has to know of a rule, in one form for both ends. */
const known: Record<Half, (rule: OrderRule) => unknown[]> = {
  ingress: ({ rule_id, counter, captures, group, port, protocol, source, range }) => [
    rule_id,
    counter,
    captures,
    group,
    port,
    protocol,
    source,
    range,
  ],
  egress: (rule) => [
    rule.counter,
    rule.outputs.map(({ id, counter, isPending, stamp, mapping }) => [id, counter, isPending, stamp, mapping]),
  ],
};

/** The rules of one half; starts without any. */
export class RulesDigest {
  private readonly half: Half;
  private readonly hashes = new Map<number, bigint>();
  private sum = 0n;

  constructor(half: Half) {
    this.half = half;
  }

  /** The half holds `rule` as it is here, whatever it held under this serial number before. */
  put(rule: OrderRule): void {
    this.drop(rule.serial);
    const hash = Bun.hash.wyhash(JSON.stringify([rule.serial, ...known[this.half](rule)]));
    this.hashes.set(rule.serial, hash);
    this.sum ^= hash;
  }

  /** The half holds no rule of this serial number. */
  drop(serial: number): void {
    this.sum ^= this.hashes.get(serial) ?? 0n;
    this.hashes.delete(serial);
  }

  /** `3:9f86d081884c7d65`: how many rules, and the hash over all. The same rules in any order give the same text. */
  get text(): string {
    return `${this.hashes.size}:${this.sum.toString(16).padStart(16, "0")}`;
  }
}

/** The text that a half with exactly `rules` reports. */
export function digestOf(half: Half, rules: Iterable<OrderRule>): string {
  const digest = new RulesDigest(half);
  for (const rule of rules) {
    digest.put(rule);
  }
  return digest.text;
}
