// A rule for one address and port as the match wants it; source 0 is every source.
import type { MatchRule } from "../../src/relay/match.ts";

/** The words of one flow, as Datagram has them. */
export type Words = {
  serial: number;
  counter: number;
  destinationWord: number;
  portAndProtocol: number;
  sourceWord: number;
};

/** The rule that takes exactly this. */
export function exactly({ portAndProtocol, ...rest }: Words): MatchRule {
  const port = portAndProtocol & 0xffff;
  const sourceBits = rest.sourceWord === 0 ? 0 : 32;
  const place = { portFirst: port, portLast: port, protocol: portAndProtocol >>> 16 };
  return { ...rest, ...place, destinationBits: 32, sourceBits, linkRank: 16 };
}
