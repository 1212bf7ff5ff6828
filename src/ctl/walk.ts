// One captured frame, walked through the code that a worker would decide with: the slot as the kernel would have filled it, parse,
// match. Nothing of it leaves this process.
import type { ListedRule } from "../control/words.ts";
import { type RefusalName, refusals } from "../relay/counters.ts";
import { MatchTable } from "../relay/match.ts";
import { Datagram, parse } from "../relay/parse.ts";
import { areaOf, rangeOf } from "../rules/precedence.ts";
import { matchRule } from "../worker/match-rule.ts";

/** A frame as captured, and how long it was on the wire; `vlan`: of a tag beside it, as a capture in the kernel keeps it. */
export type CapturedFrame = { bytes: Uint8Array; wireSize: number };

/** What a frame is: refused, or a datagram. Addresses as Datagram has them. */
export type Walked = { datagram: Datagram; refusal: RefusalName | undefined; vlan: number };

// A capture slot as af_packet fills it (struct tpacket2_hdr, packet(7)): the IP header at a multiple of 16.
const netAt = 96;
const macSize = 14;
const statusUser = 1;
const statusVlan = 1 << 4;
const tagTypes: readonly number[] = [0x8100, 0x88a8];
const kinds = { host: 0, multicast: 2 } as const;

/** Parses a frame as a worker does. `payload` stays where it is. */
export function walk({ bytes, wireSize }: CapturedFrame): Walked {
  const tag = tagOf(bytes);
  const frame = tag === undefined ? bytes : stripped(bytes);
  const slot = new Uint8Array(Math.ceil((netAt + frame.length) / 4) * 4 + 4);
  const view = new DataView(slot.buffer);
  view.setUint32(4, wireSize - (bytes.length - frame.length), true);
  view.setUint32(8, frame.length, true);
  view.setUint16(12, netAt - macSize, true);
  view.setUint16(14, netAt, true);
  view.setUint16(24, tag ?? 0, true);
  slot[34] = frame[12] ?? 0;
  slot[35] = frame[13] ?? 0;
  slot[42] = ((frame[0] ?? 0) & 1) === 1 ? kinds.multicast : kinds.host;
  slot.set(frame, netAt - macSize);
  const { buffer } = slot;
  const views = {
    u8: slot,
    u16: new Uint16Array(buffer),
    u32: new Uint32Array(buffer),
    i32: new Int32Array(buffer),
  };
  const datagram = new Datagram();
  const status = statusUser | (tag === undefined ? 0 : statusVlan);
  const refused = parse(views, 0, status, 0, (address, size) => onesSum(slot, address, size), datagram);
  return { datagram, refusal: refused === 0 ? undefined : refusals[refused - 1], vlan: datagram.vlan };
}

/** The rule of `rules`, all of one link, that takes a datagram. */
export function ruleFor(rules: readonly ListedRule[], { destinationWord, portAndProtocol, sourceWord }: Datagram) {
  const table = new MatchTable(
    rules.map((rule, at) => {
      const { group, ports, source, protocol } = areaOf(rule);
      const place = { group: group.first, port: ports.first, protocol, source: source.first };
      return matchRule({ serial: at + 1, counter: 0, ...place, range: rangeOf(rule) });
    }),
  );
  const found = table.find(destinationWord, portAndProtocol, sourceWord);
  return found === undefined ? undefined : rules[found.serial - 1];
}

/** The tag control information of an outer VLAN tag. */
function tagOf(bytes: Uint8Array): number | undefined {
  const type = ((bytes[12] ?? 0) << 8) | (bytes[13] ?? 0);
  return tagTypes.includes(type) ? ((bytes[14] ?? 0) << 8) | (bytes[15] ?? 0) : undefined;
}

/** Without its outer tag, which the kernel keeps beside the frame (net/core/skbuff.c, skb_vlan_untag). */
function stripped(bytes: Uint8Array): Uint8Array {
  const frame = new Uint8Array(Math.max(0, bytes.length - 4));
  frame.set(bytes.subarray(0, 12));
  frame.set(bytes.subarray(16), 12);
  return frame;
}

/** RFC 1071, over words as a little-endian load sees them; what lies behind the slot counts as zero. */
function onesSum(slot: Uint8Array, address: number, size: number): number {
  let sum = 0;
  for (let at = 0; at < size; at++) {
    sum += (slot[address + at] ?? 0) << (at % 2 === 0 ? 0 : 8);
  }
  while (sum > 0xffff) {
    sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  }
  return sum;
}
