// Frames of a capture file as tcpdump writes it: pcap-savefile(5), in either byte order, with micro- or nanoseconds.
import { done, failed, type Outcome } from "../base/outcome.ts";
import type { CapturedFrame } from "./walk.ts";

const magics = { micro: 0xa1b2c3d4, nano: 0xa1b23c4d, pcapng: 0x0a0d0d0a } as const;
const [headerSize, recordSize] = [24, 16];
/** LINKTYPE_ETHERNET. */
const ethernet = 1;

/** Its frames, up to `countMax`; a record that is cut short ends the file, as it does for tcpdump. */
export function readPcap(bytes: Uint8Array, countMax: number): Outcome<CapturedFrame[]> {
  if (bytes.length < headerSize) {
    return failed("is too short for a pcap file");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isLittle = isMagic(view.getUint32(0, true));
  if (view.getUint32(0, true) === magics.pcapng) {
    return failed(
      "is a pcapng file; convert it with 'tcpdump -r FILE -w FILE.pcap' or 'editcap -F pcap FILE FILE.pcap'",
    );
  }
  if (!isLittle && !isMagic(view.getUint32(0, false))) {
    return failed("is no pcap file");
  }
  const link = view.getUint32(20, isLittle) & 0x0fff_ffff;
  if (link !== ethernet) {
    return failed(
      `holds frames of link type ${link}, not Ethernet (1); capture on one interface: tcpdump -i eth0 -w FILE`,
    );
  }
  const frames: CapturedFrame[] = [];
  for (let at = headerSize; at + recordSize <= bytes.length && frames.length < countMax; ) {
    const size = view.getUint32(at + 8, isLittle);
    const first = at + recordSize;
    if (first + size > bytes.length) {
      break;
    }
    frames.push({ bytes: bytes.subarray(first, first + size), wireSize: view.getUint32(at + 12, isLittle) });
    at = first + size;
  }
  return done(frames);
}

function isMagic(word: number): boolean {
  return word === magics.micro || word === magics.nano;
}
