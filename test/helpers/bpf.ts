// Runs classic BPF programs as the kernel would on a frame, for the few instructions in use. Written from
// Documentation/networking/filter.rst; whatever else a program holds is an error.

/** A frame as a filter sees it: bytes, and what the kernel knows beside them. */
export type FilteredFrame = {
  bytes: Uint8Array;
  /** Where the IP header begins in `bytes`. */
  networkOffset: number;
  /** skb->protocol, host order: the type behind a stripped tag. */
  etherType: number;
  packetType: number;
  /** How many bytes lie in the linear part; loads relative to the network header reach no further before Linux 6.16. */
  linearSize?: number;
};

const instructionSize = 8;

/** How many bytes the program accepts; 0: dropped. A load beyond the frame ends the program with 0, as in the kernel. */
export function runFilter(program: { bytes: Uint8Array; count: number }, frame: FilteredFrame): number {
  const view = new DataView(program.bytes.buffer, program.bytes.byteOffset, program.bytes.byteLength);
  let a = 0;
  for (let at = 0, steps = 0; steps <= program.count; steps++) {
    if (at >= program.count) throw new Error(`the program runs past its end, to ${at} of ${program.count}`);
    const code = view.getUint16(at * instructionSize, true);
    const [yes, no] = [view.getUint8(at * instructionSize + 2), view.getUint8(at * instructionSize + 3)];
    const k = view.getUint32(at * instructionSize + 4, true);
    at++;
    if (code === 0x06) return k;
    if (code === 0x05) at += k;
    else if (code === 0x14) a = (a - k) >>> 0;
    else if (code === 0x15) at += a === k ? yes : no;
    else if (code === 0x25) at += a > k ? yes : no;
    else if (code === 0x35) at += a >= k ? yes : no;
    else {
      const loaded = load(code, k, frame);
      if (loaded === undefined) return 0;
      a = loaded;
    }
  }
  throw new Error("the program does not end");
}

function load(code: number, k: number, frame: FilteredFrame): number | undefined {
  const size = { 32: 4, 40: 2, 48: 1 }[code];
  if (size === undefined) throw new Error(`unknown instruction 0x${code.toString(16)}`);
  if (k === 0xffff_f000) return frame.etherType;
  if (k === 0xffff_f004) return frame.packetType;
  const isRelative = k >= 0xfff0_0000;
  const offset = isRelative ? frame.networkOffset + k - 0xfff0_0000 : k;
  if (offset + size > (isRelative ? (frame.linearSize ?? frame.bytes.length) : frame.bytes.length)) return undefined;
  let value = 0;
  for (let byte = 0; byte < size; byte++) value = value * 256 + (frame.bytes[offset + byte] ?? 0);
  return value;
}
