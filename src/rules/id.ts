// Names for rules that nobody named: stable hashes, the same that MCR gives (INTEROP.md 4.1), so that scripts which
// remember ids keep working.
import { assert } from "../base/assert.ts";
import { parseIpv4 } from "../base/ipv4.ts";
import { sipHash13 } from "../base/siphash.ts";

/** Rust ends a hashed string with this byte, which UTF-8 never contains. */
const stringEnd = 0xff;

function octets(address: string): [number, number, number, number] {
  const value = parseIpv4(address);
  assert(value !== undefined, `a validated address is hashed, not '${address}'`);
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

/**
 * The id of a rule whose operator gave none: 16 hex digits, SipHash-1-3 over interface, 0xFF, the group's octets, the port
 * little-endian, the protocol. A source-specific rule (MCR's clients cannot make one) appends its source's four octets,
 * so that the rules for two sources of one group have two ids. Addresses must be valid: anything else is a broken program.
 */
export function ruleId(
  inputInterface: string,
  group: string,
  port: number,
  protocol: number,
  source?: string | undefined,
): string {
  const name = new TextEncoder().encode(inputInterface);
  const rest = [stringEnd, ...octets(group), port & 255, port >>> 8, protocol];
  return sipHash13(new Uint8Array([...name, ...rest, ...(source === undefined ? [] : octets(source))]));
}
