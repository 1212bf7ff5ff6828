// Names for rules that nobody named: stable hashes, the same that MCR gives (INTEROP.md 4.1), so that scripts which
// remember ids keep working.
import { assert } from "../base/assert.ts";
import { sipHash13 } from "../base/siphash.ts";
import { parsePrefix, portsOf } from "./range.ts";

/** Rust ends a hashed string with this byte, which UTF-8 never contains. */
const stringEnd = 0xff;

function octets(address: string): [number, number, number, number] {
  const { first: value } = parsePrefix(address) ?? {};
  assert(value !== undefined, `a validated address is hashed, not '${address}'`);
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

function isRange(field: string | number | undefined): boolean {
  return typeof field === "string" && /[/-]/.test(field);
}

/**
 * The id of a rule whose operator gave none: 16 hex digits, SipHash-1-3 over interface, 0xFF, the group's octets, the port
 * little-endian, the protocol. A source-specific rule (MCR's clients cannot make one) appends its source's four octets,
 * so that the rules for two sources of one group have two ids. One with prefixes or ranges, which MCR does not know, hashes their
 * first addresses and ports like that, and behind them 0xFF and their texts. Addresses must be valid: anything else is a broken program.
 */
export function ruleId(
  inputInterface: string,
  group: string,
  port: number | string,
  protocol: number,
  source?: string | undefined,
): string {
  const encoder = new TextEncoder();
  const { first } = portsOf(port);
  const input = [stringEnd, ...octets(group), first & 255, first >>> 8, protocol];
  const sender = source === undefined ? [] : octets(source);
  const isExact = ![group, port, source].some(isRange);
  const ranges = isExact ? [] : [stringEnd, ...encoder.encode(`${group} ${port} ${source ?? ""}`)];
  return sipHash13(new Uint8Array([...encoder.encode(inputInterface), ...input, ...sender, ...ranges]));
}
