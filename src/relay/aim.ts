// Where an output sends that does not send everything to one place: the first bits of its own group and the rest of the datagram's
// address, its own port or the datagram's and something more. One to one, so that flows stay apart.
import { swap, swap16 } from "../base/byte-order.ts";
import { maskWord } from "./mask.ts";

/** As an order says it: `group` in host order, of which the first `groupBits` bits count; `isOffset`: `port` is added. */
export type Mapping = { group: number; groupBits: number; port: number; isOffset: boolean };

/** A mapping as the packet's path uses it: addresses and ports as they lie in memory. */
export class Aim {
  /** Whether datagrams to different ports leave to different ports. */
  readonly isByPort: boolean;
  private readonly group: number;
  private readonly restMask: number;
  private readonly port: number;

  constructor({ group, groupBits, port, isOffset }: Mapping) {
    this.isByPort = isOffset;
    this.group = swap(group) & maskWord(groupBits);
    this.restMask = ~maskWord(groupBits);
    this.port = port;
  }

  /** For a datagram to `destinationWord` (as Datagram has it): the address, in network order. */
  addressOf(destinationWord: number): number {
    return (this.group | (destinationWord & this.restMask)) >>> 0;
  }

  /** For a datagram to `port` in host order: the port, in network order. */
  portOf(port: number): number {
    return swap16((this.isByPort ? port + this.port : this.port) & 0xffff);
  }
}
