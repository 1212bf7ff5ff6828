// What stands for more than one address, port or link in a rule: prefixes, ranges of ports, names that end in '*'. One of each
// is the smallest of these, so that nobody else has to tell them apart. Pure.
import { formatIpv4, parseIpv4 } from "../base/ipv4.ts";

/** The addresses that share their first `bits` bits with `first`, in host order; 32: this one alone. */
export type Prefix = { first: number; bits: number };
/** Ports from `first` to `last`, both included. */
export type Ports = { first: number; last: number };

/** Every address. */
export const anyAddress: Prefix = { first: 0, bits: 0 };

/** What an address under a prefix of `bits` bits must match it in, host order. */
export function maskOf(bits: number): number {
  return bits === 0 ? 0 : (0xffff_ffff << (32 - bits)) >>> 0;
}

/** The last address of a prefix. */
export function lastOf({ first, bits }: Prefix): number {
  return (first | ~maskOf(bits)) >>> 0;
}

/** `239.1.0.0/16`, or an address, which is a prefix of 32 bits; undefined for anything else. Bits behind the prefix stay. */
export function parsePrefix(text: string): Prefix | undefined {
  const [address = "", bits = "32", ...more] = text.split("/");
  const first = parseIpv4(address);
  const isLength = /^(0|[1-9][0-9]?)$/.test(bits) && Number(bits) <= 32;
  return first === undefined || !isLength || more.length > 0 ? undefined : { first, bits: Number(bits) };
}

/** The one text of a prefix: without what lies behind it, and a single address without its length. */
export function formatPrefix({ first, bits }: Prefix): string {
  const address = formatIpv4((first & maskOf(bits)) >>> 0);
  return bits === 32 ? address : `${address}/${bits}`;
}

/** The prefix of a text that was checked before. */
export function prefixOf(text: string): Prefix {
  return parsePrefix(text) ?? { first: 0, bits: 32 };
}

/** Whether every address of `inner` lies in `outer`. */
export function holds(outer: Prefix, inner: Prefix): boolean {
  return inner.bits >= outer.bits && ((outer.first ^ inner.first) & maskOf(outer.bits)) === 0;
}

/** `5000-5999`, from the smaller to the larger; undefined for anything else. */
export function parsePorts(text: string): Ports | undefined {
  const [, first, last] = /^([1-9][0-9]{0,4})-([1-9][0-9]{0,4})$/.exec(text) ?? [];
  const ports = { first: Number(first), last: Number(last) };
  return ports.first <= ports.last && ports.last <= 65_535 ? ports : undefined;
}

/** The ports of an input that was checked before: `5000`, `"5000-5999"`; 0 for ESP, which has none. */
export function portsOf(port: number | string): Ports {
  return typeof port === "number" ? { first: port, last: port } : (parsePorts(port) ?? { first: 0, last: 0 });
}

/** Whether a datagram to `to` is for an input of this port. */
export function takesPort(port: number | string, to: number): boolean {
  const { first, last } = portsOf(port);
  return to >= first && to <= last;
}

/** What is added to a port: `+1000`, `-20`, `+0`; undefined for anything else. */
export function parseOffset(text: string): number | undefined {
  return /^[+-](0|[1-9][0-9]{0,4})$/.test(text) ? Number(text) : undefined;
}

/** Whether the name stands for every link whose name begins so: `eth0.*`. */
export function isPattern(link: string): boolean {
  return link.endsWith("*");
}

/** Whether `name` is the link, or one of the links, that `link` stands for. */
export function namesLink(link: string, name: string): boolean {
  return isPattern(link) ? name.startsWith(link.slice(0, -1)) : link === name;
}

/** Whether some link could be meant by both. */
export function linksOverlap(a: string, b: string): boolean {
  return isPattern(b)
    ? namesLink(b, isPattern(a) ? a.slice(0, -1) : a) || namesLink(a, b.slice(0, -1))
    : namesLink(a, b);
}
