// Injects frames into a namespace exactly as built, past the kernel's IP stack (test/fixtures/rawsend.c).
import { compiled } from "./compiled.ts";
import { checksum, join as joinBytes } from "./frames.ts";
import type { Lab } from "./namespaces.ts";

/** Sends the frames, in order, out of `link` in `ns`. Throws when one could not be sent. */
export function rawsend(lab: Lab, ns: string, link: string, frames: readonly Uint8Array[]): void {
  send(lab, ns, [link], frames);
}

/** As `rawsend`; every frame is a super-frame that the receiver has to take apart (see `superFrame`). */
export function rawsendSuper(lab: Lab, ns: string, link: string, frames: readonly Uint8Array[]): void {
  send(lab, ns, ["--vnet", link], frames);
}

/**
 * As `rawsend`, each frame behind a virtio_net_hdr or all without, `paceUs` apart; returns which of them (by index) the kernel of
 * the sender would not send.
 */
export function rawsendAnyway(
  lab: Lab,
  ns: string,
  link: string,
  frames: readonly Uint8Array[],
  { isVnet, paceUs }: { isVnet: boolean; paceUs: number },
): Set<number> {
  const args = [...(isVnet ? ["--vnet"] : []), "--anyway", "--pace", `${paceUs}`, link];
  const lines = frames.map((frame) => `${frame.toHex()}\n`).join("");
  const said = lab
    .exec(ns, [compiled("rawsend"), ...args], lines)
    .stdout.trimEnd()
    .split("\n");
  const unsent = said.filter((line) => line.startsWith("unsent ")).map((line) => Number(line.split(" ")[1]) - 1);
  if (said.at(-1) !== `sent ${frames.length - unsent.length}`)
    throw new Error(`rawsend said ${said.slice(-3).join("; ")}`);
  return new Set(unsent);
}

/**
 * Puts struct virtio_net_hdr (linux/virtio_net.h) before an untagged IPv4/UDP frame without options: "this is many datagrams
 * of `segmentSize` payload bytes each, and their checksum is partial". `frame` holds the headers once and all payloads.
 * With segmentSize 0 it is one datagram with a partial checksum, as a local sender's is.
 */
export function superFrame(frame: Uint8Array, segmentSize: number): Uint8Array {
  const gsoUdpL4 = 5;
  const needsChecksum = 1;
  const [etherSize, ipSize, udpSize, udpChecksumOffset] = [14, 20, 8, 6];
  const header = new DataView(new ArrayBuffer(10));
  header.setUint8(0, needsChecksum);
  header.setUint8(1, segmentSize === 0 ? 0 : gsoUdpL4);
  header.setUint16(2, etherSize + ipSize + udpSize, true);
  header.setUint16(4, segmentSize, true);
  header.setUint16(6, etherSize + ipSize, true);
  header.setUint16(8, udpChecksumOffset, true);
  const partial = Uint8Array.from(frame);
  // A partial checksum is the sum of the pseudo header alone, not inverted.
  const addresses = partial.subarray(etherSize + 12, etherSize + ipSize);
  const length = partial.subarray(etherSize + ipSize + 4, etherSize + ipSize + 6);
  const sum = ~checksum(addresses, Uint8Array.of(0, 17), length) & 0xffff;
  new DataView(partial.buffer).setUint16(etherSize + ipSize + udpChecksumOffset, sum);
  return joinBytes(new Uint8Array(header.buffer), partial);
}

function send(lab: Lab, ns: string, args: readonly string[], frames: readonly Uint8Array[]): void {
  const lines = frames.map((frame) => `${frame.toHex()}\n`).join("");
  const { stdout } = lab.exec(ns, [compiled("rawsend"), ...args], lines);
  if (stdout !== `sent ${frames.length}\n`)
    throw new Error(`rawsend was given ${frames.length} frames, and said ${stdout}`);
}
