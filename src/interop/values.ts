// Kinds of option values, each with clap's way to refuse one.
import { isMulticast, parseIpv4 } from "../base/ipv4.ts";

/** Whether `value` is a whole number from `low` to `high`; else what is wrong. */
export function whole(low: number, high: number): (value: string) => string | undefined {
  return (value) => {
    if (!/^\+?[0-9]+$/.test(value)) {
      return "invalid digit found in string";
    }
    return Number(value) >= low && Number(value) <= high ? undefined : `${value} is not in ${low}..=${high}`;
  };
}

export const u8 = whole(0, 255);
export const u16 = whole(0, 65_535);
export const u32 = whole(0, 0xffff_ffff);
export const u64 = whole(0, Number.MAX_SAFE_INTEGER);

/** Four numbers with dots. */
export function ipv4(value: string): string | undefined {
  return parseIpv4(value) === undefined ? "invalid IPv4 address syntax" : undefined;
}

/** Whether it names a group. The text must be an address. */
export function isGroup(address: string): boolean {
  return isMulticast(parseIpv4(address) ?? 0);
}
