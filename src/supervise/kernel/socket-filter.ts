// Which UDP sockets the kernel is to tell of: the bytecode of inet_diag (INET_DIAG_REQ_BYTECODE, linux/inet_diag.h; net/ipv4/inet_diag.c
// runs and audits it). Our own outputs are connected, one for each output of each rule, and thousands of them would be told at
// every look, to be thrown away here. It may tell of too many sockets, never of too few: the reader compares ports exactly.
import { coarsened, rangesOf } from "../../base/ranges.ts";

// An operation is four bytes: code, bytes to go on where it is true, and (u16) where it is false; one with a port has that in the
// last two of four more. The way of "true" leads from each operation to the next, and all jumps lead forward. To arrive at the end
// accepts, to jump beyond it refuses.
const codes = { jump: 1, localAtLeast: 2, localAtMost: 3, farAtLeast: 4 } as const;
const jumpSize = 4;
const compareSize = 8;

/** Every range of ports is two comparisons for each socket of this host; more ranges are lumped together. */
export const portRangesMax = 16;

/** Where an operation leads when it is false: to the end, beyond it, or over the operation that follows the next. */
type Otherwise = "accept" | "refuse" | "skip";
type Operation = { code: number; port?: number; otherwise: Otherwise };

/** Lets through sockets bound to one of `ports`, and all without a far end: a transparent one may be bound to anything. */
export function socketFilter(ports: Iterable<number>): Uint8Array<ArrayBuffer> {
  const ranges = coarsened(rangesOf([...ports].map((port) => ({ first: port, last: port }))), portRangesMax);
  return assemble([
    { code: codes.farAtLeast, port: 1, otherwise: "accept" },
    // Ascending: a port below one range is in none of those that follow.
    ...ranges.flatMap(({ first, last }): Operation[] => [
      { code: codes.localAtLeast, port: first, otherwise: "refuse" },
      { code: codes.localAtMost, port: last, otherwise: "skip" },
      { code: codes.jump, otherwise: "accept" },
    ]),
    { code: codes.jump, otherwise: "refuse" },
  ]);
}

function assemble(operations: readonly Operation[]): Uint8Array<ArrayBuffer> {
  const sizeOf = ({ port }: Operation) => (port === undefined ? jumpSize : compareSize);
  const bytes = new Uint8Array(operations.reduce((size, each) => size + sizeOf(each), 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const operation of operations) {
    const { code, port, otherwise } = operation;
    const left = bytes.length - at;
    const leads = { accept: left, refuse: left + jumpSize, skip: compareSize + jumpSize };
    view.setUint8(at, code);
    view.setUint8(at + 1, sizeOf(operation));
    view.setUint16(at + 2, leads[otherwise], true);
    if (port !== undefined) {
      view.setUint16(at + 6, port, true);
    }
    at += sizeOf(operation);
  }
  return bytes;
}
